/*
 * Fault points: one countdown a kind, all under one mutex. The mutex is only
 * taken while something is armed, so production never touches it.
 */
#include "base/fault.h"

#include <assert.h>
#include <pthread.h>

_Atomic int fault_armed_;

struct fault {
    int64_t left;  /* calls until it fires, 1: the next; 0: not armed */
    int64_t fired; /* since armed */
    bool repeat;
};

static pthread_mutex_t fault_lock = PTHREAD_MUTEX_INITIALIZER;
static struct fault faults[FAULT_KINDS_]; /* fault_lock */

bool fault_count_(enum fault_kind kind)
{
    assert(kind < FAULT_KINDS_);
    bool hit = false;
    pthread_mutex_lock(&fault_lock);
    struct fault *f = &faults[kind];
    if (f->left > 1) {
        f->left--;
    } else if (f->left == 1) {
        hit = true;
        f->fired++;
        if (!f->repeat) {
            f->left = 0;
            atomic_fetch_sub(&fault_armed_, 1);
        }
    }
    pthread_mutex_unlock(&fault_lock);
    return hit;
}

void fault_arm(enum fault_kind kind, int64_t n, bool repeat)
{
    assert(kind < FAULT_KINDS_ && n >= 0);
    pthread_mutex_lock(&fault_lock);
    struct fault *f = &faults[kind];
    atomic_fetch_add(&fault_armed_, (n > 0) - (f->left > 0));
    *f = (struct fault){.left = n, .repeat = repeat};
    pthread_mutex_unlock(&fault_lock);
}

int64_t fault_fired(enum fault_kind kind)
{
    assert(kind < FAULT_KINDS_);
    pthread_mutex_lock(&fault_lock);
    int64_t fired = faults[kind].fired;
    pthread_mutex_unlock(&fault_lock);
    return fired;
}
