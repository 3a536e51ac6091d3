/*
 * The sockets are non-blocking, close-on-exec, and have SO_REUSEADDR and
 * TCP_NODELAY (which accepted ones inherit). An IPv6 one takes IPv6 only, so
 * that both loopbacks can have the same port.
 */
#include "http/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/buf.h"

enum { BACKLOG = 4096, ANY_PORT_TRIES = 20 };

static void close_all(struct listeners *l)
{
    while (l->n > 0)
        close(l->fds[--l->n]);
}

void listeners_close(struct listeners *l)
{
    close_all(l);
}

static int port_of(int fd)
{
    struct sockaddr_storage a = {.ss_family = AF_UNSPEC};
    socklen_t n = sizeof a;
    if (getsockname(fd, (struct sockaddr *)&a, &n) != 0)
        return 0;
    if (a.ss_family == AF_INET)
        return ntohs(((struct sockaddr_in *)&a)->sin_port);
    if (a.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&a)->sin6_port);
    return 0;
}

static int prepare_socket(int fd)
{
    int on = 1, flags = fcntl(fd, F_GETFL);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -1;
    return fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* A listening socket at the address, or -1 with errno. */
static int listen_at(const struct addrinfo *a)
{
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (a->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0 &&
        prepare_socket(fd) == 0)
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static int add_address(const char *host, int port, const struct addrinfo *a, bool optional,
                       struct listeners *l, struct err *e)
{
    if (l->n == LISTENERS_MAX)
        return err_set(e, ERR_USAGE, "HOST: more than %d addresses", (int)LISTENERS_MAX);
    int fd = listen_at(a);
    bool absent = fd < 0 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL);
    if (absent && optional)
        return 0;
    if (fd < 0 && errno == EADDRINUSE)
        return err_set(e, ERR_EXISTS, "Port %d on %s is taken: another program listens there", port,
                       host);
    if (fd < 0)
        return err_set(e, ERR_USAGE, "HOST: cannot listen on %s port %d: %s", host, port,
                       strerror(errno));
    l->fds[l->n++] = fd;
    if (l->port == 0)
        l->port = port_of(fd);
    return 0;
}

/* All addresses of one name of the list. `optional`: an address family that
 * this machine lacks is passed over. */
static int add_host(const char *host, int port, bool optional, struct listeners *l, struct err *e)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    char service[8];
    snprintf(service, sizeof service, "%d", l->port ? l->port : port);
    bool any = strcmp(host, "*") == 0;
    int rc = getaddrinfo(any ? NULL : host, service, &hints, &list);
    if (rc != 0)
        return err_set(e, ERR_USAGE, "HOST: `%s` is not an address or name: %s", host,
                       gai_strerror(rc));
    rc = 0;
    for (const struct addrinfo *a = list; a && rc == 0; a = a->ai_next) {
        if (l->port && a->ai_family == AF_INET)
            ((struct sockaddr_in *)a->ai_addr)->sin_port = htons((uint16_t)l->port);
        if (l->port && a->ai_family == AF_INET6)
            ((struct sockaddr_in6 *)a->ai_addr)->sin6_port = htons((uint16_t)l->port);
        rc = add_address(host, l->port ? l->port : port, a, optional || any, l, e);
    }
    freeaddrinfo(list);
    return rc;
}

static int open_list(const char *host, int port, struct listeners *l, struct err *e)
{
    struct str rest = str_from(host ? host : "127.0.0.1,::1");
    int rc = 0;
    while (rest.p && rc == 0) {
        struct str name = str_trim(str_cut(&rest, ','));
        if (name.n >= 2 && name.p[0] == '[' && name.p[name.n - 1] == ']')
            name = str_sub(name, 1, name.n - 2);
        char text[256];
        if (name.n == 0 || name.n >= sizeof text)
            return err_set(e, ERR_USAGE, "HOST: an address in the list is empty or too long");
        memcpy(text, name.p, name.n);
        text[name.n] = '\0';
        rc = add_host(text, port, host == NULL, l, e);
    }
    if (rc == 0 && l->n == 0)
        rc = err_set(e, ERR_USAGE, "HOST: this machine has none of the addresses");
    return rc;
}

/* Sockets that systemd holds for us; 0 where there are none. */
static int take_from_systemd(struct listeners *l, struct err *e)
{
    int n = sd_listen_fds(1);
    if (n <= 0)
        return 0;
    if (n > LISTENERS_MAX)
        return err_set(e, ERR_USAGE, "systemd hands over %d sockets, more than %d", n,
                       (int)LISTENERS_MAX);
    for (int i = 0; i < n; i++) {
        int fd = SD_LISTEN_FDS_START + i;
        if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0 || prepare_socket(fd) != 0)
            return err_set(e, ERR_USAGE, "What systemd hands over is not a listening socket");
        l->fds[l->n++] = fd;
        if (l->port == 0)
            l->port = port_of(fd);
    }
    l->from_systemd = true;
    return 0;
}

int listeners_open(const char *host, int64_t port, bool systemd, struct listeners *ret,
                   struct err *e)
{
    struct listeners l = {.n = 0};
    int rc = systemd ? take_from_systemd(&l, e) : 0;
    /* With port 0 the first address gets any port, which may be taken at the
     * next address: then another one is tried. */
    for (int tries = 0; rc == 0 && l.n == 0; tries++) {
        rc = open_list(host, (int)port, &l, e);
        if (rc == ERR_EXISTS && port == 0 && tries < ANY_PORT_TRIES) {
            close_all(&l);
            l.port = 0;
            rc = 0;
        }
    }
    if (rc < 0) {
        close_all(&l);
        return rc;
    }
    *ret = l;
    return 0;
}
