#include "rowhouse/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <sodium.h>

static int read_key(int folder_fd, uint8_t key[SECRET_BYTES], struct err *e)
{
    int fd = openat(folder_fd, ".rowhouse.secret", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND
                               : err_errno(e, errno, "cannot read .rowhouse.secret");
    ssize_t n = read(fd, key, SECRET_BYTES);
    close(fd);
    if (n != SECRET_BYTES)
        return err_set(e, ERR_CORRUPT,
                       ".rowhouse.secret is not %d bytes long; remove it and a new one is made",
                       SECRET_BYTES);
    return 0;
}

/* Writes a temporary file and links it to its name, which fails where another
 * process was first. */
static int make_key(int folder_fd, struct err *e)
{
    uint8_t key[SECRET_BYTES];
    char temporary[64];
    randombytes_buf(key, sizeof key);
    snprintf(temporary, sizeof temporary, ".rowhouse.secret.%ld", (long)getpid());
    int fd = openat(folder_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(e, errno, "cannot make .rowhouse.secret");
    bool written = write(fd, key, sizeof key) == (ssize_t)sizeof key && fsync(fd) == 0;
    int failed = written ? 0 : errno;
    close(fd);
    if (written && linkat(folder_fd, temporary, folder_fd, ".rowhouse.secret", 0) < 0 &&
        errno != EEXIST)
        failed = errno;
    unlinkat(folder_fd, temporary, 0);
    sodium_memzero(key, sizeof key);
    return failed ? err_errno(e, failed, "cannot write .rowhouse.secret") : 0;
}

int secret_load(const char *configured, const char *folder, uint8_t ret[SECRET_BYTES],
                struct err *e)
{
    if (configured) {
        crypto_generichash(ret, SECRET_BYTES, (const uint8_t *)configured, strlen(configured), NULL,
                           0);
        return 0;
    }
    int folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd < 0)
        return err_errno(e, errno, "cannot open %s", folder);
    int rc = read_key(folder_fd, ret, e);
    if (rc == ERR_NOT_FOUND) {
        rc = make_key(folder_fd, e);
        if (rc == 0)
            rc = read_key(folder_fd, ret, e);
    }
    close(folder_fd);
    return rc;
}
