/*
 * TCP_INFO of Linux. A file of its own, as <linux/tcp.h> has more of it than
 * the libc's <netinet/tcp.h>, and the two cannot be included together.
 */
#include "http/tcp.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

bool tcp_read_bytes(int fd, struct tcp_bytes *ret)
{
    struct tcp_info info = {0};
    socklen_t n = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) != 0)
        return false;
    ret->received = info.tcpi_bytes_received;
    ret->sent = info.tcpi_bytes_sent;
    ret->acked = info.tcpi_bytes_acked;
    return true;
}
