/* posix_file.h: files as channels: descriptors like sockets, opened and moved by other calls. Part of the POSIX host. */
#ifndef SLUICE_POSIX_FILE_H
#define SLUICE_POSIX_FILE_H
#include "resolve.h"

typedef enum { SL_FILE_NOT, SL_FILE_READ, SL_FILE_PIPE, SL_FILE_WRITE } sl_file_way;

/* Open what the values of a spec name (host.h): the descriptor, or -1 and why; SL_INVAL: they are malformed.
 * *size: of a regular file that is read, else -1; also of one whose size is not what it has (/sys). *way: a FIFO that is
 * read is waited for like a socket. */
int sl_posix_file_open(const char *path, size_t path_len, const char *mode, size_t mode_len, sl_file_way *way,
                       int64_t *size, sl_failure *why);
/* As sl_recv and sl_send. Below 0 errno says why. What is written has nothing to be read: the end comes at once,
 * for write(2) has put everything there. */
int32_t sl_posix_file_recv(int fd, sl_file_way way, void *buf, uint32_t cap);
int32_t sl_posix_file_send(int fd, const void *buf, uint32_t len);

#endif
