/* Sluice's C face: libcurl's names, numbers and rules, written from documented facts.
 *
 * Existing C programs compile unchanged for what is declared here. The types and numbers are wider than the engine:
 * an option the engine lacks answers CURLE_UNKNOWN_OPTION or CURLE_NOT_BUILT_IN, an info likewise, a URL scheme
 * CURLE_UNSUPPORTED_PROTOCOL; never a silent yes. Every function of the libcurl that curlver.h names can be called. Those of
 * mime and form posts, URL and header interfaces, websockets and TLS sessions say that they are not there: by their
 * NOT_BUILT_IN code, or by NULL where they make a handle.
 *
 * Row names such as P6 or B3 point into the behaviour specification; the tests carry the same names.
 *
 * Values to be passed through the variable arguments of curl_easy_setopt are spelled as long (or unsigned long), as
 * setopt reads a long and an int in its place is not portable. Callers write 1L, not 1.
 *
 * Threads: a handle belongs to one thread at a time. Only curl_multi_wakeup may be called from any other thread.
 */
#ifndef SLUICE_CURL_CURL_H
#define SLUICE_CURL_CURL_H

/* Programs lean on these through this header: FILE, time_t, fd_set, struct sockaddr. */
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#ifdef _WIN32
#include <winsock2.h>
#include <ws2tcpip.h>
#else
#include <sys/types.h>
#include <sys/time.h>
#include <sys/select.h>
#include <sys/socket.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

#ifndef CURL_EXTERN
#define CURL_EXTERN
#endif

#include <curl/curlver.h>
#include <curl/system.h>

/* Programs wrap uses of deprecated names in this; here nothing warns. */
#define CURL_IGNORE_DEPRECATION(statements) statements

/* ---- Basic types -------------------------------------------------------------------------------------------------*/

typedef void CURL;    /* one transfer */
typedef void CURLM;   /* a set of transfers driven together */
typedef void CURLSH;  /* what several transfers share */

#ifdef _WIN32
typedef SOCKET curl_socket_t;
#define CURL_SOCKET_BAD INVALID_SOCKET
#else
typedef int curl_socket_t;
#define CURL_SOCKET_BAD (-1)
#endif
#define curl_socket_typedef

/* A list of strings. The caller owns it and frees it with curl_slist_free_all. */
struct curl_slist {
    char *data;
    struct curl_slist *next;
};

/* Memory handed over as an option: flags says whether setopt copies it (CURL_BLOB_COPY) or borrows it. */
struct curl_blob {
    void *data;
    size_t len;  /* bytes */
    unsigned int flags;
};
#define CURL_BLOB_NOCOPY 0
#define CURL_BLOB_COPY   1

#define CURL_ERROR_SIZE       256              /* bytes that CURLOPT_ERRORBUFFER must have */
#define CURL_MAX_WRITE_SIZE   16384            /* most bytes in one write callback (W1) */
#define CURL_MAX_READ_SIZE    (10*1024*1024)   /* largest CURLOPT_BUFFERSIZE */
#define CURL_MAX_HTTP_HEADER  (100*1024)       /* longest header line, in bytes */
#define CURL_ZERO_TERMINATED  ((size_t)-1)

#define CURL_HET_DEFAULT              200L     /* ms, CURLOPT_HAPPY_EYEBALLS_TIMEOUT_MS */
#define CURL_UPKEEP_INTERVAL_DEFAULT  60000L   /* ms, CURLOPT_UPKEEP_INTERVAL_MS */

/* ---- Result codes ------------------------------------------------------------------------------------------------*/

typedef enum {
    CURLE_OK = 0,
    CURLE_UNSUPPORTED_PROTOCOL = 1,
    CURLE_FAILED_INIT = 2,
    CURLE_URL_MALFORMAT = 3,
    CURLE_NOT_BUILT_IN = 4,
    CURLE_COULDNT_RESOLVE_PROXY = 5,
    CURLE_COULDNT_RESOLVE_HOST = 6,
    CURLE_COULDNT_CONNECT = 7,
    CURLE_WEIRD_SERVER_REPLY = 8,
    CURLE_REMOTE_ACCESS_DENIED = 9,
    CURLE_FTP_ACCEPT_FAILED = 10,
    CURLE_FTP_WEIRD_PASS_REPLY = 11,
    CURLE_FTP_ACCEPT_TIMEOUT = 12,
    CURLE_FTP_WEIRD_PASV_REPLY = 13,
    CURLE_FTP_WEIRD_227_FORMAT = 14,
    CURLE_FTP_CANT_GET_HOST = 15,
    CURLE_HTTP2 = 16,
    CURLE_FTP_COULDNT_SET_TYPE = 17,
    CURLE_PARTIAL_FILE = 18,
    CURLE_FTP_COULDNT_RETR_FILE = 19,
    CURLE_OBSOLETE20 = 20,
    CURLE_QUOTE_ERROR = 21,
    CURLE_HTTP_RETURNED_ERROR = 22,
    CURLE_WRITE_ERROR = 23,
    CURLE_OBSOLETE24 = 24,
    CURLE_UPLOAD_FAILED = 25,
    CURLE_READ_ERROR = 26,
    CURLE_OUT_OF_MEMORY = 27,
    CURLE_OPERATION_TIMEDOUT = 28,
    CURLE_OBSOLETE29 = 29,
    CURLE_FTP_PORT_FAILED = 30,
    CURLE_FTP_COULDNT_USE_REST = 31,
    CURLE_OBSOLETE32 = 32,
    CURLE_RANGE_ERROR = 33,
    CURLE_OBSOLETE34 = 34,
    CURLE_SSL_CONNECT_ERROR = 35,
    CURLE_BAD_DOWNLOAD_RESUME = 36,
    CURLE_FILE_COULDNT_READ_FILE = 37,
    CURLE_LDAP_CANNOT_BIND = 38,
    CURLE_LDAP_SEARCH_FAILED = 39,
    CURLE_OBSOLETE40 = 40,
    CURLE_OBSOLETE41 = 41,
    CURLE_ABORTED_BY_CALLBACK = 42,
    CURLE_BAD_FUNCTION_ARGUMENT = 43,
    CURLE_OBSOLETE44 = 44,
    CURLE_INTERFACE_FAILED = 45,
    CURLE_OBSOLETE46 = 46,
    CURLE_TOO_MANY_REDIRECTS = 47,
    CURLE_UNKNOWN_OPTION = 48,
    CURLE_SETOPT_OPTION_SYNTAX = 49,
    CURLE_OBSOLETE50 = 50,
    CURLE_OBSOLETE51 = 51,
    CURLE_GOT_NOTHING = 52,
    CURLE_SSL_ENGINE_NOTFOUND = 53,
    CURLE_SSL_ENGINE_SETFAILED = 54,
    CURLE_SEND_ERROR = 55,
    CURLE_RECV_ERROR = 56,
    CURLE_OBSOLETE57 = 57,
    CURLE_SSL_CERTPROBLEM = 58,
    CURLE_SSL_CIPHER = 59,
    CURLE_PEER_FAILED_VERIFICATION = 60,
    CURLE_BAD_CONTENT_ENCODING = 61,
    CURLE_OBSOLETE62 = 62,
    CURLE_FILESIZE_EXCEEDED = 63,
    CURLE_USE_SSL_FAILED = 64,
    CURLE_SEND_FAIL_REWIND = 65,
    CURLE_SSL_ENGINE_INITFAILED = 66,
    CURLE_LOGIN_DENIED = 67,
    CURLE_TFTP_NOTFOUND = 68,
    CURLE_TFTP_PERM = 69,
    CURLE_REMOTE_DISK_FULL = 70,
    CURLE_TFTP_ILLEGAL = 71,
    CURLE_TFTP_UNKNOWNID = 72,
    CURLE_REMOTE_FILE_EXISTS = 73,
    CURLE_TFTP_NOSUCHUSER = 74,
    CURLE_OBSOLETE75 = 75,
    CURLE_OBSOLETE76 = 76,
    CURLE_SSL_CACERT_BADFILE = 77,
    CURLE_REMOTE_FILE_NOT_FOUND = 78,
    CURLE_SSH = 79,
    CURLE_SSL_SHUTDOWN_FAILED = 80,
    CURLE_AGAIN = 81,
    CURLE_SSL_CRL_BADFILE = 82,
    CURLE_SSL_ISSUER_ERROR = 83,
    CURLE_FTP_PRET_FAILED = 84,
    CURLE_RTSP_CSEQ_ERROR = 85,
    CURLE_RTSP_SESSION_ERROR = 86,
    CURLE_FTP_BAD_FILE_LIST = 87,
    CURLE_CHUNK_FAILED = 88,
    CURLE_NO_CONNECTION_AVAILABLE = 89,
    CURLE_SSL_PINNEDPUBKEYNOTMATCH = 90,
    CURLE_SSL_INVALIDCERTSTATUS = 91,
    CURLE_HTTP2_STREAM = 92,
    CURLE_RECURSIVE_API_CALL = 93,
    CURLE_AUTH_ERROR = 94,
    CURLE_HTTP3 = 95,
    CURLE_QUIC_CONNECT_ERROR = 96,
    CURLE_PROXY = 97,
    CURLE_SSL_CLIENTCERT = 98,
    CURLE_UNRECOVERABLE_POLL = 99,
    CURLE_TOO_LARGE = 100,
    CURLE_ECH_REQUIRED = 101,
    CURL_LAST  /* one past the last code; not a code */
} CURLcode;

#ifndef CURL_NO_OLDIES  /* names that older programs use for the same numbers */
#define CURLE_URL_MALFORMAT_USER      CURLE_NOT_BUILT_IN
#define CURLE_FTP_WEIRD_SERVER_REPLY  CURLE_WEIRD_SERVER_REPLY
#define CURLE_FTP_ACCESS_DENIED       CURLE_REMOTE_ACCESS_DENIED
#define CURLE_FTP_PARTIAL_FILE        CURLE_PARTIAL_FILE
#define CURLE_FTP_QUOTE_ERROR         CURLE_QUOTE_ERROR
#define CURLE_HTTP_NOT_FOUND          CURLE_HTTP_RETURNED_ERROR
#define CURLE_OPERATION_TIMEOUTED     CURLE_OPERATION_TIMEDOUT
#define CURLE_HTTP_RANGE_ERROR        CURLE_RANGE_ERROR
#define CURLE_HTTP_POST_ERROR         CURLE_OBSOLETE34
#define CURLE_FTP_BAD_DOWNLOAD_RESUME CURLE_BAD_DOWNLOAD_RESUME
#define CURLE_FUNCTION_NOT_FOUND      CURLE_OBSOLETE41
#define CURLE_HTTP_PORT_FAILED        CURLE_INTERFACE_FAILED
#define CURLE_UNKNOWN_TELNET_OPTION   CURLE_UNKNOWN_OPTION
#define CURLE_TELNET_OPTION_SYNTAX    CURLE_SETOPT_OPTION_SYNTAX
#define CURLE_SSL_PEER_CERTIFICATE    CURLE_PEER_FAILED_VERIFICATION
#define CURLE_SSL_CACERT              CURLE_PEER_FAILED_VERIFICATION
#define CURLE_LDAP_INVALID_URL        CURLE_OBSOLETE62
#define CURLE_FTP_SSL_FAILED          CURLE_USE_SSL_FAILED
#define CURLE_TFTP_DISKFULL           CURLE_REMOTE_DISK_FULL
#define CURLE_TFTP_EXISTS             CURLE_REMOTE_FILE_EXISTS
#define CURLE_CONV_FAILED             CURLE_OBSOLETE75
#define CURLE_CONV_REQD               CURLE_OBSOLETE76
#endif

typedef enum {
    CURLM_CALL_MULTI_PERFORM = -1,
    CURLM_OK = 0,
    CURLM_BAD_HANDLE = 1,
    CURLM_BAD_EASY_HANDLE = 2,
    CURLM_OUT_OF_MEMORY = 3,
    CURLM_INTERNAL_ERROR = 4,
    CURLM_BAD_SOCKET = 5,
    CURLM_UNKNOWN_OPTION = 6,
    CURLM_ADDED_ALREADY = 7,
    CURLM_RECURSIVE_API_CALL = 8,
    CURLM_WAKEUP_FAILURE = 9,
    CURLM_BAD_FUNCTION_ARGUMENT = 10,
    CURLM_ABORTED_BY_CALLBACK = 11,
    CURLM_UNRECOVERABLE_POLL = 12,
    CURLM_LAST  /* one past the last code; not a code */
} CURLMcode;
#define CURLM_CALL_MULTI_SOCKET CURLM_CALL_MULTI_PERFORM

/* Why a proxy refused: CURLINFO_PROXY_ERROR. */
typedef enum {
    CURLPX_OK = 0,
    CURLPX_BAD_ADDRESS_TYPE = 1,
    CURLPX_BAD_VERSION = 2,
    CURLPX_CLOSED = 3,
    CURLPX_GSSAPI = 4,
    CURLPX_GSSAPI_PERMSG = 5,
    CURLPX_GSSAPI_PROTECTION = 6,
    CURLPX_IDENTD = 7,
    CURLPX_IDENTD_DIFFER = 8,
    CURLPX_LONG_HOSTNAME = 9,
    CURLPX_LONG_PASSWD = 10,
    CURLPX_LONG_USER = 11,
    CURLPX_NO_AUTH = 12,
    CURLPX_RECV_ADDRESS = 13,
    CURLPX_RECV_AUTH = 14,
    CURLPX_RECV_CONNECT = 15,
    CURLPX_RECV_REQACK = 16,
    CURLPX_REPLY_ADDRESS_TYPE_NOT_SUPPORTED = 17,
    CURLPX_REPLY_COMMAND_NOT_SUPPORTED = 18,
    CURLPX_REPLY_CONNECTION_REFUSED = 19,
    CURLPX_REPLY_GENERAL_SERVER_FAILURE = 20,
    CURLPX_REPLY_HOST_UNREACHABLE = 21,
    CURLPX_REPLY_NETWORK_UNREACHABLE = 22,
    CURLPX_REPLY_NOT_ALLOWED = 23,
    CURLPX_REPLY_TTL_EXPIRED = 24,
    CURLPX_REPLY_UNASSIGNED = 25,
    CURLPX_REQUEST_FAILED = 26,
    CURLPX_RESOLVE_HOST = 27,
    CURLPX_SEND_AUTH = 28,
    CURLPX_SEND_CONNECT = 29,
    CURLPX_SEND_REQUEST = 30,
    CURLPX_UNKNOWN_FAIL = 31,
    CURLPX_UNKNOWN_MODE = 32,
    CURLPX_USER_REJECTED = 33,
    CURLPX_LAST  /* one past the last */
} CURLproxycode;

/* ---- What callbacks answer ---------------------------------------------------------------------------------------*/

#define CURL_WRITEFUNC_PAUSE        0x10000001  /* none of this chunk was taken; deliver it again after unpause (W2) */
#define CURL_WRITEFUNC_ERROR        0xFFFFFFFF  /* fail with CURLE_WRITE_ERROR (W13) */
#define CURL_READFUNC_ABORT         0x10000000  /* fail with CURLE_ABORTED_BY_CALLBACK (R1) */
#define CURL_READFUNC_PAUSE         0x10000001  /* nothing was read; ask again after unpause (R2, R3) */
#define CURL_PROGRESSFUNC_CONTINUE  0x10000001  /* also run the built-in meter (G1) */

#define CURL_PREREQFUNC_OK     0
#define CURL_PREREQFUNC_ABORT  1  /* fail with CURLE_ABORTED_BY_CALLBACK (X8) */

#define CURL_SEEKFUNC_OK        0
#define CURL_SEEKFUNC_FAIL      1  /* the transfer fails */
#define CURL_SEEKFUNC_CANTSEEK  2  /* try another way to rewind (R7) */

#define CURL_TRAILERFUNC_OK     0
#define CURL_TRAILERFUNC_ABORT  1

#define CURL_SOCKOPT_OK                 0
#define CURL_SOCKOPT_ERROR              1  /* close the socket, CURLE_ABORTED_BY_CALLBACK */
#define CURL_SOCKOPT_ALREADY_CONNECTED  2

#define CURL_CHUNK_BGN_FUNC_OK    0
#define CURL_CHUNK_BGN_FUNC_FAIL  1
#define CURL_CHUNK_BGN_FUNC_SKIP  2
#define CURL_CHUNK_END_FUNC_OK    0
#define CURL_CHUNK_END_FUNC_FAIL  1
#define CURL_FNMATCHFUNC_MATCH    0
#define CURL_FNMATCHFUNC_NOMATCH  1
#define CURL_FNMATCHFUNC_FAIL     2

#define CURL_PUSH_OK        0
#define CURL_PUSH_DENY      1
#define CURL_PUSH_ERROROUT  2

/* The argument of curl_easy_pause: the whole wanted state of both directions (P1). A clear bit means running. */
#define CURLPAUSE_RECV       (1 << 0)
#define CURLPAUSE_RECV_CONT  0
#define CURLPAUSE_SEND       (1 << 2)
#define CURLPAUSE_SEND_CONT  0
#define CURLPAUSE_ALL        (CURLPAUSE_RECV | CURLPAUSE_SEND)
#define CURLPAUSE_CONT       (CURLPAUSE_RECV_CONT | CURLPAUSE_SEND_CONT)

/* ---- Callback types ----------------------------------------------------------------------------------------------*/

/* Body or header bytes. size is always 1; the bytes are buffer[0 .. nitems), not zero-terminated, valid during the
 * call only. Answers the bytes taken: all of them, or CURL_WRITEFUNC_PAUSE or _ERROR; any other number fails with
 * CURLE_WRITE_ERROR (W1, W2, W6, W11, W13). Also the type of the header callback: one complete line a call. */
typedef size_t (*curl_write_callback)(char *buffer, size_t size, size_t nitems, void *outstream);

/* Wants upload bytes: fill at most size * nitems. Answers the bytes filled, 0 at the end, or CURL_READFUNC_PAUSE or
 * _ABORT (R1 to R3). */
typedef size_t (*curl_read_callback)(char *buffer, size_t size, size_t nitems, void *instream);

/* Move the upload source to offset; origin is SEEK_SET. Answers CURL_SEEKFUNC_* (R7). */
typedef int (*curl_seek_callback)(void *instream, curl_off_t offset, int origin);

/* Progress in bytes; a total of 0 is unknown. Non-zero stops the transfer (G1 to G6). The second has doubles. */
typedef int (*curl_xferinfo_callback)(void *clientp, curl_off_t dltotal, curl_off_t dlnow, curl_off_t ultotal,
                                      curl_off_t ulnow);
typedef int (*curl_progress_callback)(void *clientp, double dltotal, double dlnow, double ultotal, double ulnow);

/* Called with a connection ready, before the request goes out. Answers CURL_PREREQFUNC_* (P12, X8). */
typedef int (*curl_prereq_callback)(void *clientp, char *conn_primary_ip, char *conn_local_ip, int conn_primary_port,
                                    int conn_local_port);

/* Asked for trailing headers after a chunked upload: append "Name: value" strings; the library frees the list. */
typedef int (*curl_trailer_callback)(struct curl_slist **list, void *userdata);

typedef enum {
    CURLINFO_TEXT = 0,
    CURLINFO_HEADER_IN = 1,
    CURLINFO_HEADER_OUT = 2,
    CURLINFO_DATA_IN = 3,
    CURLINFO_DATA_OUT = 4,
    CURLINFO_SSL_DATA_IN = 5,
    CURLINFO_SSL_DATA_OUT = 6,
    CURLINFO_END = 7  /* one past the last */
} curl_infotype;

/* What goes on, for CURLOPT_VERBOSE: size bytes at data, not zero-terminated. Must answer 0. */
typedef int (*curl_debug_callback)(CURL *handle, curl_infotype type, char *data, size_t size, void *userptr);

typedef enum {
    CURLIOE_OK = 0,
    CURLIOE_UNKNOWNCMD = 1,
    CURLIOE_FAILRESTART = 2,
    CURLIOE_LAST  /* one past the last */
} curlioerr;

typedef enum {
    CURLIOCMD_NOP = 0,
    CURLIOCMD_RESTARTREAD = 1,
    CURLIOCMD_LAST  /* one past the last */
} curliocmd;

/* The older way to rewind an upload, asked after the seek callback (R7). */
typedef curlioerr (*curl_ioctl_callback)(CURL *handle, int cmd, void *clientp);

typedef enum {
    CURLSOCKTYPE_IPCXN = 0,   /* to be connected */
    CURLSOCKTYPE_ACCEPT = 1,  /* accepted from a peer */
    CURLSOCKTYPE_LAST         /* one past the last */
} curlsocktype;

struct curl_sockaddr {
    int family;
    int socktype;
    int protocol;
    unsigned int addrlen;  /* bytes of addr that count; may be more than sizeof addr */
    struct sockaddr addr;
};

/* Socket hooks; hosts without descriptors never call them. An open hook answers a socket or CURL_SOCKET_BAD (X8). */
typedef curl_socket_t (*curl_opensocket_callback)(void *clientp, curlsocktype purpose, struct curl_sockaddr *address);
typedef int (*curl_sockopt_callback)(void *clientp, curl_socket_t curlfd, curlsocktype purpose);
typedef int (*curl_closesocket_callback)(void *clientp, curl_socket_t item);

typedef CURLcode (*curl_ssl_ctx_callback)(CURL *curl, void *ssl_ctx, void *userptr);
typedef CURLcode (*curl_conv_callback)(char *buffer, size_t length);
typedef int (*curl_resolver_start_callback)(void *resolver_state, void *reserved, void *userdata);

typedef long (*curl_chunk_bgn_callback)(const void *transfer_info, void *ptr, int remains);
typedef long (*curl_chunk_end_callback)(void *ptr);
typedef int (*curl_fnmatch_callback)(void *ptr, const char *pattern, const char *string);

/* One HSTS entry: name has room for namelen bytes and its zero; expire is "YYYYMMDD HH:MM:SS". */
struct curl_hstsentry {
    char *name;
    size_t namelen;
    unsigned int includeSubDomains:1;
    char expire[18];
};
struct curl_index {
    size_t index;  /* of the entry given, from 0 */
    size_t total;  /* entries in all */
};
typedef enum {
    CURLSTS_OK = 0,
    CURLSTS_DONE = 1,
    CURLSTS_FAIL = 2
} CURLSTScode;
typedef CURLSTScode (*curl_hstsread_callback)(CURL *easy, struct curl_hstsentry *e, void *userp);
typedef CURLSTScode (*curl_hstswrite_callback)(CURL *easy, struct curl_hstsentry *e, struct curl_index *i, void *userp);

#define CURL_DID_MEMORY_FUNC_TYPEDEFS
typedef void *(*curl_malloc_callback)(size_t size);
typedef void (*curl_free_callback)(void *ptr);
typedef void *(*curl_realloc_callback)(void *ptr, size_t size);
typedef char *(*curl_strdup_callback)(const char *str);
typedef void *(*curl_calloc_callback)(size_t nmemb, size_t size);

/* ---- Values of options -------------------------------------------------------------------------------------------*/

/* CURLOPT_HTTP_VERSION, CURLINFO_HTTP_VERSION */
#define CURL_HTTP_VERSION_NONE               0L
#define CURL_HTTP_VERSION_1_0                1L
#define CURL_HTTP_VERSION_1_1                2L
#define CURL_HTTP_VERSION_2_0                3L
#define CURL_HTTP_VERSION_2                  CURL_HTTP_VERSION_2_0
#define CURL_HTTP_VERSION_2TLS               4L
#define CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE  5L
#define CURL_HTTP_VERSION_3                  30L
#define CURL_HTTP_VERSION_3ONLY              31L
#define CURL_HTTP_VERSION_LAST               32L

/* CURLOPT_PROTOCOLS, CURLOPT_REDIR_PROTOCOLS, CURLINFO_PROTOCOL */
#define CURLPROTO_HTTP     (1L << 0)
#define CURLPROTO_HTTPS    (1L << 1)
#define CURLPROTO_FTP      (1L << 2)
#define CURLPROTO_FTPS     (1L << 3)
#define CURLPROTO_SCP      (1L << 4)
#define CURLPROTO_SFTP     (1L << 5)
#define CURLPROTO_TELNET   (1L << 6)
#define CURLPROTO_LDAP     (1L << 7)
#define CURLPROTO_LDAPS    (1L << 8)
#define CURLPROTO_DICT     (1L << 9)
#define CURLPROTO_FILE     (1L << 10)
#define CURLPROTO_TFTP     (1L << 11)
#define CURLPROTO_IMAP     (1L << 12)
#define CURLPROTO_IMAPS    (1L << 13)
#define CURLPROTO_POP3     (1L << 14)
#define CURLPROTO_POP3S    (1L << 15)
#define CURLPROTO_SMTP     (1L << 16)
#define CURLPROTO_SMTPS    (1L << 17)
#define CURLPROTO_RTSP     (1L << 18)
#define CURLPROTO_RTMP     (1L << 19)
#define CURLPROTO_RTMPT    (1L << 20)
#define CURLPROTO_RTMPE    (1L << 21)
#define CURLPROTO_RTMPTE   (1L << 22)
#define CURLPROTO_RTMPS    (1L << 23)
#define CURLPROTO_RTMPTS   (1L << 24)
#define CURLPROTO_GOPHER   (1L << 25)
#define CURLPROTO_SMB      (1L << 26)
#define CURLPROTO_SMBS     (1L << 27)
#define CURLPROTO_MQTT     (1L << 28)
#define CURLPROTO_GOPHERS  (1L << 29)
#define CURLPROTO_ALL      (~0L)

/* CURLOPT_HTTPAUTH, CURLOPT_PROXYAUTH, CURLOPT_SOCKS5_AUTH */
#define CURLAUTH_NONE          0UL
#define CURLAUTH_BASIC         (1UL << 0)
#define CURLAUTH_DIGEST        (1UL << 1)
#define CURLAUTH_NEGOTIATE     (1UL << 2)
#define CURLAUTH_GSSNEGOTIATE  CURLAUTH_NEGOTIATE
#define CURLAUTH_GSSAPI        CURLAUTH_NEGOTIATE
#define CURLAUTH_NTLM          (1UL << 3)
#define CURLAUTH_DIGEST_IE     (1UL << 4)
#define CURLAUTH_NTLM_WB       (1UL << 5)
#define CURLAUTH_BEARER        (1UL << 6)
#define CURLAUTH_AWS_SIGV4     (1UL << 7)
#define CURLAUTH_ONLY          (1UL << 31)
#define CURLAUTH_ANY           (~CURLAUTH_DIGEST_IE)
#define CURLAUTH_ANYSAFE       (~(CURLAUTH_BASIC | CURLAUTH_DIGEST_IE))

/* CURLOPT_GSSAPI_DELEGATION */
#define CURLGSSAPI_DELEGATION_NONE         0L
#define CURLGSSAPI_DELEGATION_POLICY_FLAG  (1L << 0)
#define CURLGSSAPI_DELEGATION_FLAG         (1L << 1)

/* CURLOPT_PROXYTYPE */
typedef long curl_proxytype;
#define CURLPROXY_HTTP             0L
#define CURLPROXY_HTTP_1_0         1L
#define CURLPROXY_HTTPS            2L
#define CURLPROXY_HTTPS2           3L
#define CURLPROXY_SOCKS4           4L
#define CURLPROXY_SOCKS5           5L
#define CURLPROXY_SOCKS4A          6L
#define CURLPROXY_SOCKS5_HOSTNAME  7L

/* CURLOPT_IPRESOLVE */
#define CURL_IPRESOLVE_WHATEVER  0L
#define CURL_IPRESOLVE_V4        1L
#define CURL_IPRESOLVE_V6        2L

/* CURLOPT_FOLLOWLOCATION (besides 0) */
#define CURLFOLLOW_ALL        1L
#define CURLFOLLOW_OBEYCODE   2L
#define CURLFOLLOW_FIRSTONLY  3L

/* CURLOPT_POSTREDIR: which redirects keep POST */
#define CURL_REDIR_GET_ALL   0L
#define CURL_REDIR_POST_301  1L
#define CURL_REDIR_POST_302  2L
#define CURL_REDIR_POST_303  4L
#define CURL_REDIR_POST_ALL  (CURL_REDIR_POST_301 | CURL_REDIR_POST_302 | CURL_REDIR_POST_303)

/* CURLOPT_HEADEROPT */
#define CURLHEADER_UNIFIED   0L
#define CURLHEADER_SEPARATE  (1L << 0)

/* CURLOPT_TIMECONDITION */
typedef long curl_TimeCond;
#define CURL_TIMECOND_NONE          0L
#define CURL_TIMECOND_IFMODSINCE    1L
#define CURL_TIMECOND_IFUNMODSINCE  2L
#define CURL_TIMECOND_LASTMOD       3L

/* CURLOPT_NETRC */
#define CURL_NETRC_IGNORED   0L
#define CURL_NETRC_OPTIONAL  1L
#define CURL_NETRC_REQUIRED  2L

/* CURLOPT_SSLVERSION, CURLOPT_PROXY_SSLVERSION: one lower bound, or-ed with one upper bound */
#define CURL_SSLVERSION_DEFAULT      0L
#define CURL_SSLVERSION_TLSv1        1L
#define CURL_SSLVERSION_SSLv2        2L
#define CURL_SSLVERSION_SSLv3        3L
#define CURL_SSLVERSION_TLSv1_0      4L
#define CURL_SSLVERSION_TLSv1_1      5L
#define CURL_SSLVERSION_TLSv1_2      6L
#define CURL_SSLVERSION_TLSv1_3      7L
#define CURL_SSLVERSION_MAX_NONE     0L
#define CURL_SSLVERSION_MAX_DEFAULT  (1L << 16)
#define CURL_SSLVERSION_MAX_TLSv1_0  (4L << 16)
#define CURL_SSLVERSION_MAX_TLSv1_1  (5L << 16)
#define CURL_SSLVERSION_MAX_TLSv1_2  (6L << 16)
#define CURL_SSLVERSION_MAX_TLSv1_3  (7L << 16)

/* CURLOPT_SSL_OPTIONS, CURLOPT_PROXY_SSL_OPTIONS */
#define CURLSSLOPT_ALLOW_BEAST         (1L << 0)
#define CURLSSLOPT_NO_REVOKE           (1L << 1)
#define CURLSSLOPT_NO_PARTIALCHAIN     (1L << 2)
#define CURLSSLOPT_REVOKE_BEST_EFFORT  (1L << 3)
#define CURLSSLOPT_NATIVE_CA           (1L << 4)
#define CURLSSLOPT_AUTO_CLIENT_CERT    (1L << 5)
#define CURLSSLOPT_EARLYDATA           (1L << 6)

/* CURLOPT_USE_SSL */
typedef long curl_usessl;
#define CURLUSESSL_NONE     0L
#define CURLUSESSL_TRY      1L
#define CURLUSESSL_CONTROL  2L
#define CURLUSESSL_ALL      3L

/* CURLOPT_ALTSVC_CTRL, CURLOPT_HSTS_CTRL */
#define CURLALTSVC_READONLYFILE  (1L << 2)
#define CURLALTSVC_H1            (1L << 3)
#define CURLALTSVC_H2            (1L << 4)
#define CURLALTSVC_H3            (1L << 5)
#define CURLHSTS_ENABLE          (1L << 0)
#define CURLHSTS_READONLYFILE    (1L << 1)

/* CURLOPT_MIME_OPTIONS, CURLOPT_UPLOAD_FLAGS, CURLOPT_WS_OPTIONS */
#define CURLMIMEOPT_FORMESCAPE  (1L << 0)
#define CURLULFLAG_ANSWERED     (1L << 0)
#define CURLULFLAG_DELETED      (1L << 1)
#define CURLULFLAG_DRAFT        (1L << 2)
#define CURLULFLAG_FLAGGED      (1L << 3)
#define CURLULFLAG_SEEN         (1L << 4)
#define CURLWS_RAW_MODE         (1L << 0)
#define CURLWS_NOAUTOPONG       (1L << 1)

/* CURLOPT_SSH_AUTH_TYPES */
#define CURLSSH_AUTH_ANY        (~0L)
#define CURLSSH_AUTH_NONE       0L
#define CURLSSH_AUTH_PUBLICKEY  (1L << 0)
#define CURLSSH_AUTH_PASSWORD   (1L << 1)
#define CURLSSH_AUTH_HOST       (1L << 2)
#define CURLSSH_AUTH_KEYBOARD   (1L << 3)
#define CURLSSH_AUTH_AGENT      (1L << 4)
#define CURLSSH_AUTH_GSSAPI     (1L << 5)
#define CURLSSH_AUTH_DEFAULT    CURLSSH_AUTH_ANY

/* CURLOPT_FTP_FILEMETHOD, _FTPSSLAUTH, _FTP_SSL_CCC, _FTP_CREATE_MISSING_DIRS */
#define CURLFTPMETHOD_DEFAULT      0L
#define CURLFTPMETHOD_MULTICWD     1L
#define CURLFTPMETHOD_NOCWD        2L
#define CURLFTPMETHOD_SINGLECWD    3L
#define CURLFTPAUTH_DEFAULT        0L
#define CURLFTPAUTH_SSL            1L
#define CURLFTPAUTH_TLS            2L
#define CURLFTPSSL_CCC_NONE        0L
#define CURLFTPSSL_CCC_PASSIVE     1L
#define CURLFTPSSL_CCC_ACTIVE      2L
#define CURLFTP_CREATE_DIR_NONE    0L
#define CURLFTP_CREATE_DIR         1L
#define CURLFTP_CREATE_DIR_RETRY   2L

/* CURLOPT_RTSP_REQUEST */
#define CURL_RTSPREQ_NONE           0L
#define CURL_RTSPREQ_OPTIONS        1L
#define CURL_RTSPREQ_DESCRIBE       2L
#define CURL_RTSPREQ_ANNOUNCE       3L
#define CURL_RTSPREQ_SETUP          4L
#define CURL_RTSPREQ_PLAY           5L
#define CURL_RTSPREQ_PAUSE          6L
#define CURL_RTSPREQ_TEARDOWN       7L
#define CURL_RTSPREQ_GET_PARAMETER  8L
#define CURL_RTSPREQ_SET_PARAMETER  9L
#define CURL_RTSPREQ_RECORD         10L
#define CURL_RTSPREQ_RECEIVE        11L

/* ---- Options of a transfer -----------------------------------------------------------------------------------------
 * The ten-thousands digit is the type of the value: 0 long, 1 pointer (string, list, object), 2 function,
 * 3 curl_off_t, 4 struct curl_blob *. Times end in _MS for milliseconds and are seconds otherwise. */

#define CURLOPTTYPE_LONG           0
#define CURLOPTTYPE_OBJECTPOINT    10000
#define CURLOPTTYPE_FUNCTIONPOINT  20000
#define CURLOPTTYPE_OFF_T          30000
#define CURLOPTTYPE_BLOB           40000
#define CURLOPTTYPE_STRINGPOINT    CURLOPTTYPE_OBJECTPOINT
#define CURLOPTTYPE_SLISTPOINT     CURLOPTTYPE_OBJECTPOINT
#define CURLOPTTYPE_CBPOINT        CURLOPTTYPE_OBJECTPOINT
#define CURLOPTTYPE_VALUES         CURLOPTTYPE_LONG

typedef enum {
    CURLOPT_WRITEDATA = 10001,
    CURLOPT_URL = 10002,
    CURLOPT_PORT = 3,
    CURLOPT_PROXY = 10004,
    CURLOPT_USERPWD = 10005,
    CURLOPT_PROXYUSERPWD = 10006,
    CURLOPT_RANGE = 10007,
    CURLOPT_READDATA = 10009,
    CURLOPT_ERRORBUFFER = 10010,
    CURLOPT_WRITEFUNCTION = 20011,
    CURLOPT_READFUNCTION = 20012,
    CURLOPT_TIMEOUT = 13,
    CURLOPT_INFILESIZE = 14,
    CURLOPT_POSTFIELDS = 10015,
    CURLOPT_REFERER = 10016,
    CURLOPT_FTPPORT = 10017,
    CURLOPT_USERAGENT = 10018,
    CURLOPT_LOW_SPEED_LIMIT = 19,
    CURLOPT_LOW_SPEED_TIME = 20,
    CURLOPT_RESUME_FROM = 21,
    CURLOPT_COOKIE = 10022,
    CURLOPT_HTTPHEADER = 10023,
    CURLOPT_HTTPPOST = 10024,
    CURLOPT_SSLCERT = 10025,
    CURLOPT_KEYPASSWD = 10026,
    CURLOPT_CRLF = 27,
    CURLOPT_QUOTE = 10028,
    CURLOPT_HEADERDATA = 10029,
    CURLOPT_COOKIEFILE = 10031,
    CURLOPT_SSLVERSION = 32,
    CURLOPT_TIMECONDITION = 33,
    CURLOPT_TIMEVALUE = 34,
    CURLOPT_CUSTOMREQUEST = 10036,
    CURLOPT_STDERR = 10037,
    CURLOPT_POSTQUOTE = 10039,
    CURLOPT_VERBOSE = 41,
    CURLOPT_HEADER = 42,
    CURLOPT_NOPROGRESS = 43,
    CURLOPT_NOBODY = 44,
    CURLOPT_FAILONERROR = 45,
    CURLOPT_UPLOAD = 46,
    CURLOPT_POST = 47,
    CURLOPT_DIRLISTONLY = 48,
    CURLOPT_APPEND = 50,
    CURLOPT_NETRC = 51,
    CURLOPT_FOLLOWLOCATION = 52,
    CURLOPT_TRANSFERTEXT = 53,
    CURLOPT_PUT = 54,
    CURLOPT_PROGRESSFUNCTION = 20056,
    CURLOPT_XFERINFODATA = 10057,
    CURLOPT_AUTOREFERER = 58,
    CURLOPT_PROXYPORT = 59,
    CURLOPT_POSTFIELDSIZE = 60,
    CURLOPT_HTTPPROXYTUNNEL = 61,
    CURLOPT_INTERFACE = 10062,
    CURLOPT_KRBLEVEL = 10063,
    CURLOPT_SSL_VERIFYPEER = 64,
    CURLOPT_CAINFO = 10065,
    CURLOPT_MAXREDIRS = 68,
    CURLOPT_FILETIME = 69,
    CURLOPT_TELNETOPTIONS = 10070,
    CURLOPT_MAXCONNECTS = 71,
    CURLOPT_FRESH_CONNECT = 74,
    CURLOPT_FORBID_REUSE = 75,
    CURLOPT_RANDOM_FILE = 10076,
    CURLOPT_EGDSOCKET = 10077,
    CURLOPT_CONNECTTIMEOUT = 78,
    CURLOPT_HEADERFUNCTION = 20079,
    CURLOPT_HTTPGET = 80,
    CURLOPT_SSL_VERIFYHOST = 81,
    CURLOPT_COOKIEJAR = 10082,
    CURLOPT_SSL_CIPHER_LIST = 10083,
    CURLOPT_HTTP_VERSION = 84,
    CURLOPT_FTP_USE_EPSV = 85,
    CURLOPT_SSLCERTTYPE = 10086,
    CURLOPT_SSLKEY = 10087,
    CURLOPT_SSLKEYTYPE = 10088,
    CURLOPT_SSLENGINE = 10089,
    CURLOPT_SSLENGINE_DEFAULT = 90,
    CURLOPT_DNS_USE_GLOBAL_CACHE = 91,
    CURLOPT_DNS_CACHE_TIMEOUT = 92,
    CURLOPT_PREQUOTE = 10093,
    CURLOPT_DEBUGFUNCTION = 20094,
    CURLOPT_DEBUGDATA = 10095,
    CURLOPT_COOKIESESSION = 96,
    CURLOPT_CAPATH = 10097,
    CURLOPT_BUFFERSIZE = 98,
    CURLOPT_NOSIGNAL = 99,
    CURLOPT_SHARE = 10100,
    CURLOPT_PROXYTYPE = 101,
    CURLOPT_ACCEPT_ENCODING = 10102,
    CURLOPT_PRIVATE = 10103,
    CURLOPT_HTTP200ALIASES = 10104,
    CURLOPT_UNRESTRICTED_AUTH = 105,
    CURLOPT_FTP_USE_EPRT = 106,
    CURLOPT_HTTPAUTH = 107,
    CURLOPT_SSL_CTX_FUNCTION = 20108,
    CURLOPT_SSL_CTX_DATA = 10109,
    CURLOPT_FTP_CREATE_MISSING_DIRS = 110,
    CURLOPT_PROXYAUTH = 111,
    CURLOPT_SERVER_RESPONSE_TIMEOUT = 112,
    CURLOPT_IPRESOLVE = 113,
    CURLOPT_MAXFILESIZE = 114,
    CURLOPT_INFILESIZE_LARGE = 30115,
    CURLOPT_RESUME_FROM_LARGE = 30116,
    CURLOPT_MAXFILESIZE_LARGE = 30117,
    CURLOPT_NETRC_FILE = 10118,
    CURLOPT_USE_SSL = 119,
    CURLOPT_POSTFIELDSIZE_LARGE = 30120,
    CURLOPT_TCP_NODELAY = 121,
    CURLOPT_FTPSSLAUTH = 129,
    CURLOPT_IOCTLFUNCTION = 20130,
    CURLOPT_IOCTLDATA = 10131,
    CURLOPT_FTP_ACCOUNT = 10134,
    CURLOPT_COOKIELIST = 10135,
    CURLOPT_IGNORE_CONTENT_LENGTH = 136,
    CURLOPT_FTP_SKIP_PASV_IP = 137,
    CURLOPT_FTP_FILEMETHOD = 138,
    CURLOPT_LOCALPORT = 139,
    CURLOPT_LOCALPORTRANGE = 140,
    CURLOPT_CONNECT_ONLY = 141,
    CURLOPT_CONV_FROM_NETWORK_FUNCTION = 20142,
    CURLOPT_CONV_TO_NETWORK_FUNCTION = 20143,
    CURLOPT_CONV_FROM_UTF8_FUNCTION = 20144,
    CURLOPT_MAX_SEND_SPEED_LARGE = 30145,
    CURLOPT_MAX_RECV_SPEED_LARGE = 30146,
    CURLOPT_FTP_ALTERNATIVE_TO_USER = 10147,
    CURLOPT_SOCKOPTFUNCTION = 20148,
    CURLOPT_SOCKOPTDATA = 10149,
    CURLOPT_SSL_SESSIONID_CACHE = 150,
    CURLOPT_SSH_AUTH_TYPES = 151,
    CURLOPT_SSH_PUBLIC_KEYFILE = 10152,
    CURLOPT_SSH_PRIVATE_KEYFILE = 10153,
    CURLOPT_FTP_SSL_CCC = 154,
    CURLOPT_TIMEOUT_MS = 155,
    CURLOPT_CONNECTTIMEOUT_MS = 156,
    CURLOPT_HTTP_TRANSFER_DECODING = 157,
    CURLOPT_HTTP_CONTENT_DECODING = 158,
    CURLOPT_NEW_FILE_PERMS = 159,
    CURLOPT_NEW_DIRECTORY_PERMS = 160,
    CURLOPT_POSTREDIR = 161,
    CURLOPT_SSH_HOST_PUBLIC_KEY_MD5 = 10162,
    CURLOPT_OPENSOCKETFUNCTION = 20163,
    CURLOPT_OPENSOCKETDATA = 10164,
    CURLOPT_COPYPOSTFIELDS = 10165,
    CURLOPT_PROXY_TRANSFER_MODE = 166,
    CURLOPT_SEEKFUNCTION = 20167,
    CURLOPT_SEEKDATA = 10168,
    CURLOPT_CRLFILE = 10169,
    CURLOPT_ISSUERCERT = 10170,
    CURLOPT_ADDRESS_SCOPE = 171,
    CURLOPT_CERTINFO = 172,
    CURLOPT_USERNAME = 10173,
    CURLOPT_PASSWORD = 10174,
    CURLOPT_PROXYUSERNAME = 10175,
    CURLOPT_PROXYPASSWORD = 10176,
    CURLOPT_NOPROXY = 10177,
    CURLOPT_TFTP_BLKSIZE = 178,
    CURLOPT_SOCKS5_GSSAPI_SERVICE = 10179,
    CURLOPT_SOCKS5_GSSAPI_NEC = 180,
    CURLOPT_PROTOCOLS = 181,
    CURLOPT_REDIR_PROTOCOLS = 182,
    CURLOPT_SSH_KNOWNHOSTS = 10183,
    CURLOPT_SSH_KEYFUNCTION = 20184,
    CURLOPT_SSH_KEYDATA = 10185,
    CURLOPT_MAIL_FROM = 10186,
    CURLOPT_MAIL_RCPT = 10187,
    CURLOPT_FTP_USE_PRET = 188,
    CURLOPT_RTSP_REQUEST = 189,
    CURLOPT_RTSP_SESSION_ID = 10190,
    CURLOPT_RTSP_STREAM_URI = 10191,
    CURLOPT_RTSP_TRANSPORT = 10192,
    CURLOPT_RTSP_CLIENT_CSEQ = 193,
    CURLOPT_RTSP_SERVER_CSEQ = 194,
    CURLOPT_INTERLEAVEDATA = 10195,
    CURLOPT_INTERLEAVEFUNCTION = 20196,
    CURLOPT_WILDCARDMATCH = 197,
    CURLOPT_CHUNK_BGN_FUNCTION = 20198,
    CURLOPT_CHUNK_END_FUNCTION = 20199,
    CURLOPT_FNMATCH_FUNCTION = 20200,
    CURLOPT_CHUNK_DATA = 10201,
    CURLOPT_FNMATCH_DATA = 10202,
    CURLOPT_RESOLVE = 10203,
    CURLOPT_TLSAUTH_USERNAME = 10204,
    CURLOPT_TLSAUTH_PASSWORD = 10205,
    CURLOPT_TLSAUTH_TYPE = 10206,
    CURLOPT_TRANSFER_ENCODING = 207,
    CURLOPT_CLOSESOCKETFUNCTION = 20208,
    CURLOPT_CLOSESOCKETDATA = 10209,
    CURLOPT_GSSAPI_DELEGATION = 210,
    CURLOPT_DNS_SERVERS = 10211,
    CURLOPT_ACCEPTTIMEOUT_MS = 212,
    CURLOPT_TCP_KEEPALIVE = 213,
    CURLOPT_TCP_KEEPIDLE = 214,
    CURLOPT_TCP_KEEPINTVL = 215,
    CURLOPT_SSL_OPTIONS = 216,
    CURLOPT_MAIL_AUTH = 10217,
    CURLOPT_SASL_IR = 218,
    CURLOPT_XFERINFOFUNCTION = 20219,
    CURLOPT_XOAUTH2_BEARER = 10220,
    CURLOPT_DNS_INTERFACE = 10221,
    CURLOPT_DNS_LOCAL_IP4 = 10222,
    CURLOPT_DNS_LOCAL_IP6 = 10223,
    CURLOPT_LOGIN_OPTIONS = 10224,
    CURLOPT_SSL_ENABLE_NPN = 225,
    CURLOPT_SSL_ENABLE_ALPN = 226,
    CURLOPT_EXPECT_100_TIMEOUT_MS = 227,
    CURLOPT_PROXYHEADER = 10228,
    CURLOPT_HEADEROPT = 229,
    CURLOPT_PINNEDPUBLICKEY = 10230,
    CURLOPT_UNIX_SOCKET_PATH = 10231,
    CURLOPT_SSL_VERIFYSTATUS = 232,
    CURLOPT_SSL_FALSESTART = 233,
    CURLOPT_PATH_AS_IS = 234,
    CURLOPT_PROXY_SERVICE_NAME = 10235,
    CURLOPT_SERVICE_NAME = 10236,
    CURLOPT_PIPEWAIT = 237,
    CURLOPT_DEFAULT_PROTOCOL = 10238,
    CURLOPT_STREAM_WEIGHT = 239,
    CURLOPT_STREAM_DEPENDS = 10240,
    CURLOPT_STREAM_DEPENDS_E = 10241,
    CURLOPT_TFTP_NO_OPTIONS = 242,
    CURLOPT_CONNECT_TO = 10243,
    CURLOPT_TCP_FASTOPEN = 244,
    CURLOPT_KEEP_SENDING_ON_ERROR = 245,
    CURLOPT_PROXY_CAINFO = 10246,
    CURLOPT_PROXY_CAPATH = 10247,
    CURLOPT_PROXY_SSL_VERIFYPEER = 248,
    CURLOPT_PROXY_SSL_VERIFYHOST = 249,
    CURLOPT_PROXY_SSLVERSION = 250,
    CURLOPT_PROXY_TLSAUTH_USERNAME = 10251,
    CURLOPT_PROXY_TLSAUTH_PASSWORD = 10252,
    CURLOPT_PROXY_TLSAUTH_TYPE = 10253,
    CURLOPT_PROXY_SSLCERT = 10254,
    CURLOPT_PROXY_SSLCERTTYPE = 10255,
    CURLOPT_PROXY_SSLKEY = 10256,
    CURLOPT_PROXY_SSLKEYTYPE = 10257,
    CURLOPT_PROXY_KEYPASSWD = 10258,
    CURLOPT_PROXY_SSL_CIPHER_LIST = 10259,
    CURLOPT_PROXY_CRLFILE = 10260,
    CURLOPT_PROXY_SSL_OPTIONS = 261,
    CURLOPT_PRE_PROXY = 10262,
    CURLOPT_PROXY_PINNEDPUBLICKEY = 10263,
    CURLOPT_ABSTRACT_UNIX_SOCKET = 10264,
    CURLOPT_SUPPRESS_CONNECT_HEADERS = 265,
    CURLOPT_REQUEST_TARGET = 10266,
    CURLOPT_SOCKS5_AUTH = 267,
    CURLOPT_SSH_COMPRESSION = 268,
    CURLOPT_MIMEPOST = 10269,
    CURLOPT_TIMEVALUE_LARGE = 30270,
    CURLOPT_HAPPY_EYEBALLS_TIMEOUT_MS = 271,
    CURLOPT_RESOLVER_START_FUNCTION = 20272,
    CURLOPT_RESOLVER_START_DATA = 10273,
    CURLOPT_HAPROXYPROTOCOL = 274,
    CURLOPT_DNS_SHUFFLE_ADDRESSES = 275,
    CURLOPT_TLS13_CIPHERS = 10276,
    CURLOPT_PROXY_TLS13_CIPHERS = 10277,
    CURLOPT_DISALLOW_USERNAME_IN_URL = 278,
    CURLOPT_DOH_URL = 10279,
    CURLOPT_UPLOAD_BUFFERSIZE = 280,
    CURLOPT_UPKEEP_INTERVAL_MS = 281,
    CURLOPT_CURLU = 10282,
    CURLOPT_TRAILERFUNCTION = 20283,
    CURLOPT_TRAILERDATA = 10284,
    CURLOPT_HTTP09_ALLOWED = 285,
    CURLOPT_ALTSVC_CTRL = 286,
    CURLOPT_ALTSVC = 10287,
    CURLOPT_MAXAGE_CONN = 288,
    CURLOPT_SASL_AUTHZID = 10289,
    CURLOPT_MAIL_RCPT_ALLOWFAILS = 290,
    CURLOPT_SSLCERT_BLOB = 40291,
    CURLOPT_SSLKEY_BLOB = 40292,
    CURLOPT_PROXY_SSLCERT_BLOB = 40293,
    CURLOPT_PROXY_SSLKEY_BLOB = 40294,
    CURLOPT_ISSUERCERT_BLOB = 40295,
    CURLOPT_PROXY_ISSUERCERT = 10296,
    CURLOPT_PROXY_ISSUERCERT_BLOB = 40297,
    CURLOPT_SSL_EC_CURVES = 10298,
    CURLOPT_HSTS_CTRL = 299,
    CURLOPT_HSTS = 10300,
    CURLOPT_HSTSREADFUNCTION = 20301,
    CURLOPT_HSTSREADDATA = 10302,
    CURLOPT_HSTSWRITEFUNCTION = 20303,
    CURLOPT_HSTSWRITEDATA = 10304,
    CURLOPT_AWS_SIGV4 = 10305,
    CURLOPT_DOH_SSL_VERIFYPEER = 306,
    CURLOPT_DOH_SSL_VERIFYHOST = 307,
    CURLOPT_DOH_SSL_VERIFYSTATUS = 308,
    CURLOPT_CAINFO_BLOB = 40309,
    CURLOPT_PROXY_CAINFO_BLOB = 40310,
    CURLOPT_SSH_HOST_PUBLIC_KEY_SHA256 = 10311,
    CURLOPT_PREREQFUNCTION = 20312,
    CURLOPT_PREREQDATA = 10313,
    CURLOPT_MAXLIFETIME_CONN = 314,
    CURLOPT_MIME_OPTIONS = 315,
    CURLOPT_SSH_HOSTKEYFUNCTION = 20316,
    CURLOPT_SSH_HOSTKEYDATA = 10317,
    CURLOPT_PROTOCOLS_STR = 10318,
    CURLOPT_REDIR_PROTOCOLS_STR = 10319,
    CURLOPT_WS_OPTIONS = 320,
    CURLOPT_CA_CACHE_TIMEOUT = 321,
    CURLOPT_QUICK_EXIT = 322,
    CURLOPT_HAPROXY_CLIENT_IP = 10323,
    CURLOPT_SERVER_RESPONSE_TIMEOUT_MS = 324,
    CURLOPT_ECH = 10325,
    CURLOPT_TCP_KEEPCNT = 326,
    CURLOPT_UPLOAD_FLAGS = 327,
    CURLOPT_SSL_SIGNATURE_ALGORITHMS = 10328
} CURLoption;

#define CURLOPT_PROGRESSDATA  CURLOPT_XFERINFODATA
#define CURLOPT_RTSPHEADER    CURLOPT_HTTPHEADER

#ifndef CURL_NO_OLDIES  /* names that older programs use for the same numbers */
#define CURLOPT_FILE                  CURLOPT_WRITEDATA
#define CURLOPT_INFILE                CURLOPT_READDATA
#define CURLOPT_WRITEHEADER           CURLOPT_HEADERDATA
#define CURLOPT_ENCODING              CURLOPT_ACCEPT_ENCODING
#define CURLOPT_SSLKEYPASSWD          CURLOPT_KEYPASSWD
#define CURLOPT_SSLCERTPASSWD         CURLOPT_KEYPASSWD
#define CURLOPT_KRB4LEVEL             CURLOPT_KRBLEVEL
#define CURLOPT_FTPLISTONLY           CURLOPT_DIRLISTONLY
#define CURLOPT_FTPAPPEND             CURLOPT_APPEND
#define CURLOPT_FTP_SSL               CURLOPT_USE_SSL
#define CURLOPT_FTP_RESPONSE_TIMEOUT  CURLOPT_SERVER_RESPONSE_TIMEOUT
#define CURLOPT_POST301               CURLOPT_POSTREDIR
#define CURLOPT_MAIL_RCPT_ALLLOWFAILS CURLOPT_MAIL_RCPT_ALLOWFAILS
#endif

/* ---- What can be asked of a transfer -------------------------------------------------------------------------------
 * The third argument of curl_easy_getinfo points to: string char *, long long, double double (seconds, bytes),
 * slist struct curl_slist * (or the named struct), socket curl_socket_t, off_t curl_off_t (_TIME_T in microseconds). */

#define CURLINFO_STRING    0x100000
#define CURLINFO_LONG      0x200000
#define CURLINFO_DOUBLE    0x300000
#define CURLINFO_SLIST     0x400000
#define CURLINFO_PTR       0x400000
#define CURLINFO_SOCKET    0x500000
#define CURLINFO_OFF_T     0x600000
#define CURLINFO_MASK      0x0fffff
#define CURLINFO_TYPEMASK  0xf00000

typedef enum {
    CURLINFO_NONE = 0,
    CURLINFO_EFFECTIVE_URL = CURLINFO_STRING + 1,
    CURLINFO_RESPONSE_CODE = CURLINFO_LONG + 2,
    CURLINFO_TOTAL_TIME = CURLINFO_DOUBLE + 3,
    CURLINFO_NAMELOOKUP_TIME = CURLINFO_DOUBLE + 4,
    CURLINFO_CONNECT_TIME = CURLINFO_DOUBLE + 5,
    CURLINFO_PRETRANSFER_TIME = CURLINFO_DOUBLE + 6,
    CURLINFO_SIZE_UPLOAD = CURLINFO_DOUBLE + 7,
    CURLINFO_SIZE_UPLOAD_T = CURLINFO_OFF_T + 7,
    CURLINFO_SIZE_DOWNLOAD = CURLINFO_DOUBLE + 8,
    CURLINFO_SIZE_DOWNLOAD_T = CURLINFO_OFF_T + 8,
    CURLINFO_SPEED_DOWNLOAD = CURLINFO_DOUBLE + 9,
    CURLINFO_SPEED_DOWNLOAD_T = CURLINFO_OFF_T + 9,
    CURLINFO_SPEED_UPLOAD = CURLINFO_DOUBLE + 10,
    CURLINFO_SPEED_UPLOAD_T = CURLINFO_OFF_T + 10,
    CURLINFO_HEADER_SIZE = CURLINFO_LONG + 11,
    CURLINFO_REQUEST_SIZE = CURLINFO_LONG + 12,
    CURLINFO_SSL_VERIFYRESULT = CURLINFO_LONG + 13,
    CURLINFO_FILETIME = CURLINFO_LONG + 14,
    CURLINFO_FILETIME_T = CURLINFO_OFF_T + 14,
    CURLINFO_CONTENT_LENGTH_DOWNLOAD = CURLINFO_DOUBLE + 15,
    CURLINFO_CONTENT_LENGTH_DOWNLOAD_T = CURLINFO_OFF_T + 15,
    CURLINFO_CONTENT_LENGTH_UPLOAD = CURLINFO_DOUBLE + 16,
    CURLINFO_CONTENT_LENGTH_UPLOAD_T = CURLINFO_OFF_T + 16,
    CURLINFO_STARTTRANSFER_TIME = CURLINFO_DOUBLE + 17,
    CURLINFO_CONTENT_TYPE = CURLINFO_STRING + 18,
    CURLINFO_REDIRECT_TIME = CURLINFO_DOUBLE + 19,
    CURLINFO_REDIRECT_COUNT = CURLINFO_LONG + 20,
    CURLINFO_PRIVATE = CURLINFO_STRING + 21,
    CURLINFO_HTTP_CONNECTCODE = CURLINFO_LONG + 22,
    CURLINFO_HTTPAUTH_AVAIL = CURLINFO_LONG + 23,
    CURLINFO_PROXYAUTH_AVAIL = CURLINFO_LONG + 24,
    CURLINFO_OS_ERRNO = CURLINFO_LONG + 25,
    CURLINFO_NUM_CONNECTS = CURLINFO_LONG + 26,
    CURLINFO_SSL_ENGINES = CURLINFO_SLIST + 27,
    CURLINFO_COOKIELIST = CURLINFO_SLIST + 28,
    CURLINFO_LASTSOCKET = CURLINFO_LONG + 29,
    CURLINFO_FTP_ENTRY_PATH = CURLINFO_STRING + 30,
    CURLINFO_REDIRECT_URL = CURLINFO_STRING + 31,
    CURLINFO_PRIMARY_IP = CURLINFO_STRING + 32,
    CURLINFO_APPCONNECT_TIME = CURLINFO_DOUBLE + 33,
    CURLINFO_CERTINFO = CURLINFO_PTR + 34,
    CURLINFO_CONDITION_UNMET = CURLINFO_LONG + 35,
    CURLINFO_RTSP_SESSION_ID = CURLINFO_STRING + 36,
    CURLINFO_RTSP_CLIENT_CSEQ = CURLINFO_LONG + 37,
    CURLINFO_RTSP_SERVER_CSEQ = CURLINFO_LONG + 38,
    CURLINFO_RTSP_CSEQ_RECV = CURLINFO_LONG + 39,
    CURLINFO_PRIMARY_PORT = CURLINFO_LONG + 40,
    CURLINFO_LOCAL_IP = CURLINFO_STRING + 41,
    CURLINFO_LOCAL_PORT = CURLINFO_LONG + 42,
    CURLINFO_TLS_SESSION = CURLINFO_PTR + 43,
    CURLINFO_ACTIVESOCKET = CURLINFO_SOCKET + 44,
    CURLINFO_TLS_SSL_PTR = CURLINFO_PTR + 45,
    CURLINFO_HTTP_VERSION = CURLINFO_LONG + 46,
    CURLINFO_PROXY_SSL_VERIFYRESULT = CURLINFO_LONG + 47,
    CURLINFO_PROTOCOL = CURLINFO_LONG + 48,
    CURLINFO_SCHEME = CURLINFO_STRING + 49,
    CURLINFO_TOTAL_TIME_T = CURLINFO_OFF_T + 50,
    CURLINFO_NAMELOOKUP_TIME_T = CURLINFO_OFF_T + 51,
    CURLINFO_CONNECT_TIME_T = CURLINFO_OFF_T + 52,
    CURLINFO_PRETRANSFER_TIME_T = CURLINFO_OFF_T + 53,
    CURLINFO_STARTTRANSFER_TIME_T = CURLINFO_OFF_T + 54,
    CURLINFO_REDIRECT_TIME_T = CURLINFO_OFF_T + 55,
    CURLINFO_APPCONNECT_TIME_T = CURLINFO_OFF_T + 56,
    CURLINFO_RETRY_AFTER = CURLINFO_OFF_T + 57,  /* seconds */
    CURLINFO_EFFECTIVE_METHOD = CURLINFO_STRING + 58,
    CURLINFO_PROXY_ERROR = CURLINFO_LONG + 59,
    CURLINFO_REFERER = CURLINFO_STRING + 60,
    CURLINFO_CAINFO = CURLINFO_STRING + 61,
    CURLINFO_CAPATH = CURLINFO_STRING + 62,
    CURLINFO_XFER_ID = CURLINFO_OFF_T + 63,
    CURLINFO_CONN_ID = CURLINFO_OFF_T + 64,
    CURLINFO_QUEUE_TIME_T = CURLINFO_OFF_T + 65,
    CURLINFO_USED_PROXY = CURLINFO_LONG + 66,
    CURLINFO_POSTTRANSFER_TIME_T = CURLINFO_OFF_T + 67,
    CURLINFO_EARLYDATA_SENT_T = CURLINFO_OFF_T + 68,
    CURLINFO_HTTPAUTH_USED = CURLINFO_LONG + 69,
    CURLINFO_PROXYAUTH_USED = CURLINFO_LONG + 70
} CURLINFO;
#define CURLINFO_HTTP_CODE CURLINFO_RESPONSE_CODE

/* CURLINFO_CERTINFO: one list of "name:content" strings a certificate; belongs to the handle. */
struct curl_certinfo {
    int num_of_certs;
    struct curl_slist **certinfo;
};

typedef enum {
    CURLSSLBACKEND_NONE = 0,
    CURLSSLBACKEND_OPENSSL = 1,
    CURLSSLBACKEND_GNUTLS = 2,
    CURLSSLBACKEND_NSS = 3,
    CURLSSLBACKEND_OBSOLETE4 = 4,
    CURLSSLBACKEND_GSKIT = 5,
    CURLSSLBACKEND_POLARSSL = 6,
    CURLSSLBACKEND_WOLFSSL = 7,
    CURLSSLBACKEND_SCHANNEL = 8,
    CURLSSLBACKEND_SECURETRANSPORT = 9,
    CURLSSLBACKEND_AXTLS = 10,
    CURLSSLBACKEND_MBEDTLS = 11,
    CURLSSLBACKEND_MESALINK = 12,
    CURLSSLBACKEND_BEARSSL = 13,
    CURLSSLBACKEND_RUSTLS = 14
} curl_sslbackend;

/* CURLINFO_TLS_SESSION, CURLINFO_TLS_SSL_PTR */
struct curl_tlssessioninfo {
    curl_sslbackend backend;
    void *internals;
};

/* ---- The multi interface: types ----------------------------------------------------------------------------------*/

typedef enum {
    CURLMSG_NONE = 0,
    CURLMSG_DONE = 1,  /* easy_handle has ended with data.result */
    CURLMSG_LAST       /* one past the last */
} CURLMSG;

struct CURLMsg {
    CURLMSG msg;
    CURL *easy_handle;
    union {
    void *whatever;
    CURLcode result;
    } data;
};
typedef struct CURLMsg CURLMsg;

/* A descriptor of the program's own for curl_multi_poll to watch too. */
struct curl_waitfd {
    curl_socket_t fd;
    short events;   /* wanted: CURL_WAIT_POLL* */
    short revents;  /* what happened */
};
#define CURL_WAIT_POLLIN   0x0001
#define CURL_WAIT_POLLPRI  0x0002
#define CURL_WAIT_POLLOUT  0x0004

/* What a socket callback is told to watch for (P9). */
#define CURL_POLL_NONE    0
#define CURL_POLL_IN      1
#define CURL_POLL_OUT     2
#define CURL_POLL_INOUT   3
#define CURL_POLL_REMOVE  4

#define CURL_SOCKET_TIMEOUT  CURL_SOCKET_BAD
#define CURL_CSELECT_IN      0x01
#define CURL_CSELECT_OUT     0x02
#define CURL_CSELECT_ERR     0x04

/* Notification types (X11). */
#define CURLMNOTIFY_INFO_READ  0
#define CURLMNOTIFY_EASY_DONE  1

/* CURLMOPT_NETWORK_CHANGED */
#define CURLMNWC_CLEAR_CONNS  (1L << 0)
#define CURLMNWC_CLEAR_DNS    (1L << 1)

/* CURLMOPT_PIPELINING */
#define CURLPIPE_NOTHING    0L
#define CURLPIPE_HTTP1      1L
#define CURLPIPE_MULTIPLEX  2L

struct curl_pushheaders;

typedef int (*curl_socket_callback)(CURL *easy, curl_socket_t s, int what, void *userp, void *socketp);
typedef int (*curl_multi_timer_callback)(CURLM *multi, long timeout_ms, void *userp);
typedef int (*curl_push_callback)(CURL *parent, CURL *easy, size_t num_headers, struct curl_pushheaders *headers,
                                  void *userp);
typedef void (*curl_notify_callback)(CURLM *multi, unsigned int notification, CURL *easy, void *user_data);

typedef enum {
    CURLMOPT_SOCKETFUNCTION = 20001,
    CURLMOPT_SOCKETDATA = 10002,
    CURLMOPT_PIPELINING = 3,
    CURLMOPT_TIMERFUNCTION = 20004,
    CURLMOPT_TIMERDATA = 10005,
    CURLMOPT_MAXCONNECTS = 6,
    CURLMOPT_MAX_HOST_CONNECTIONS = 7,
    CURLMOPT_MAX_PIPELINE_LENGTH = 8,
    CURLMOPT_CONTENT_LENGTH_PENALTY_SIZE = 30009,
    CURLMOPT_CHUNK_LENGTH_PENALTY_SIZE = 30010,
    CURLMOPT_PIPELINING_SITE_BL = 10011,
    CURLMOPT_PIPELINING_SERVER_BL = 10012,
    CURLMOPT_MAX_TOTAL_CONNECTIONS = 13,
    CURLMOPT_PUSHFUNCTION = 20014,
    CURLMOPT_PUSHDATA = 10015,
    CURLMOPT_MAX_CONCURRENT_STREAMS = 16,
    CURLMOPT_NETWORK_CHANGED = 17,
    CURLMOPT_NOTIFYFUNCTION = 20018,
    CURLMOPT_NOTIFYDATA = 10019
} CURLMoption;

/* ---- What the library can do: types --------------------------------------------------------------------------------
 * Fields from a given age on exist only if the struct says it is that old or older. */

typedef enum {
    CURLVERSION_FIRST = 0,
    CURLVERSION_SECOND = 1,
    CURLVERSION_THIRD = 2,
    CURLVERSION_FOURTH = 3,
    CURLVERSION_FIFTH = 4,
    CURLVERSION_SIXTH = 5,
    CURLVERSION_SEVENTH = 6,
    CURLVERSION_EIGHTH = 7,
    CURLVERSION_NINTH = 8,
    CURLVERSION_TENTH = 9,
    CURLVERSION_ELEVENTH = 10,
    CURLVERSION_TWELFTH = 11,
    CURLVERSION_LAST  /* one past the last */
} CURLversion;
#define CURLVERSION_NOW CURLVERSION_TWELFTH

struct curl_version_info_data {
    CURLversion age;
    const char *version;        /* "8.22.0" */
    unsigned int version_num;   /* LIBCURL_VERSION_NUM */
    const char *host;
    int features;               /* CURL_VERSION_* */
    const char *ssl_version;
    long ssl_version_num;       /* always 0 */
    const char *libz_version;
    const char * const *protocols;  /* ends with NULL */
    const char *ares;           /* second */
    int ares_num;
    const char *libidn;         /* third */
    int iconv_ver_num;          /* fourth */
    const char *libssh_version;
    unsigned int brotli_ver_num;  /* fifth */
    const char *brotli_version;
    unsigned int nghttp2_ver_num;  /* sixth */
    const char *nghttp2_version;
    const char *quic_version;
    const char *cainfo;         /* seventh */
    const char *capath;
    unsigned int zstd_ver_num;  /* eighth */
    const char *zstd_version;
    const char *hyper_version;  /* ninth */
    const char *gsasl_version;  /* tenth */
    const char * const *feature_names;  /* eleventh; ends with NULL */
    const char *rtmp_version;   /* twelfth */
};
typedef struct curl_version_info_data curl_version_info_data;

#define CURL_VERSION_IPV6          (1 << 0)
#define CURL_VERSION_KERBEROS4     (1 << 1)
#define CURL_VERSION_SSL           (1 << 2)
#define CURL_VERSION_LIBZ          (1 << 3)
#define CURL_VERSION_NTLM          (1 << 4)
#define CURL_VERSION_GSSNEGOTIATE  (1 << 5)
#define CURL_VERSION_DEBUG         (1 << 6)
#define CURL_VERSION_ASYNCHDNS     (1 << 7)
#define CURL_VERSION_SPNEGO        (1 << 8)
#define CURL_VERSION_LARGEFILE     (1 << 9)
#define CURL_VERSION_IDN           (1 << 10)
#define CURL_VERSION_SSPI          (1 << 11)
#define CURL_VERSION_CONV          (1 << 12)
#define CURL_VERSION_CURLDEBUG     (1 << 13)
#define CURL_VERSION_TLSAUTH_SRP   (1 << 14)
#define CURL_VERSION_NTLM_WB       (1 << 15)
#define CURL_VERSION_HTTP2         (1 << 16)
#define CURL_VERSION_GSSAPI        (1 << 17)
#define CURL_VERSION_KERBEROS5     (1 << 18)
#define CURL_VERSION_UNIX_SOCKETS  (1 << 19)
#define CURL_VERSION_PSL           (1 << 20)
#define CURL_VERSION_HTTPS_PROXY   (1 << 21)
#define CURL_VERSION_MULTI_SSL     (1 << 22)
#define CURL_VERSION_BROTLI        (1 << 23)
#define CURL_VERSION_ALTSVC        (1 << 24)
#define CURL_VERSION_HTTP3         (1 << 25)
#define CURL_VERSION_ZSTD          (1 << 26)
#define CURL_VERSION_UNICODE       (1 << 27)
#define CURL_VERSION_HSTS          (1 << 28)
#define CURL_VERSION_GSASL         (1 << 29)
#define CURL_VERSION_THREADSAFE    (1 << 30)

/* ==== Functions ====================================================================================================*/

#define CURL_GLOBAL_NOTHING    0L
#define CURL_GLOBAL_SSL        (1L << 0)
#define CURL_GLOBAL_WIN32      (1L << 1)
#define CURL_GLOBAL_ALL        (CURL_GLOBAL_SSL | CURL_GLOBAL_WIN32)
#define CURL_GLOBAL_DEFAULT    CURL_GLOBAL_ALL
#define CURL_GLOBAL_ACK_EINTR  (1L << 2)

/* Prepares the library; flags are CURL_GLOBAL_*. CURLE_OK, or CURLE_FAILED_INIT. May be called again; each call is
 * paired with one curl_global_cleanup. */
CURL_EXTERN CURLcode curl_global_init(long flags);

/* Undoes one curl_global_init. Every handle must have been cleaned up before the last one. */
CURL_EXTERN void curl_global_cleanup(void);

/* The library's name and version, a constant string that nobody frees. */
CURL_EXTERN const char *curl_version(void);

/* What there is, for programs that ask: a constant that nobody frees. For any age. */
CURL_EXTERN curl_version_info_data *curl_version_info(CURLversion age);

/* Which TLS there is to choose from: none by name, TLS is the host's. CURLSSLSET_NO_BACKENDS; *avail, unless NULL, is NULL. */
typedef struct {
    curl_sslbackend id;
    const char *name;
} curl_ssl_backend;
typedef enum {
    CURLSSLSET_OK = 0,
    CURLSSLSET_UNKNOWN_BACKEND = 1,
    CURLSSLSET_TOO_LATE = 2,
    CURLSSLSET_NO_BACKENDS = 3
} CURLsslset;
CURL_EXTERN CURLsslset curl_global_sslset(curl_sslbackend id, const char *name, const curl_ssl_backend ***avail);

/* As curl_global_init. Other allocators are not there: CURLE_NOT_BUILT_IN unless all are NULL. */
CURL_EXTERN CURLcode curl_global_init_mem(long flags, curl_malloc_callback m, curl_free_callback f, curl_realloc_callback r,
                                          curl_strdup_callback s, curl_calloc_callback c);

/* No component has a log of its own (SLUICEOPT_TRACEFUNCTION tells everything): CURLE_OK for NULL or "", else
 * CURLE_NOT_BUILT_IN. */
CURL_EXTERN CURLcode curl_global_trace(const char *config);

/* Percent-encodes all but letters, digits and -._~; length 0: up to its zero. The caller frees it with curl_free; NULL without
 * memory or for NULL. The handle may be NULL. The older names have none. */
CURL_EXTERN char *curl_easy_escape(CURL *handle, const char *string, int length);
CURL_EXTERN char *curl_escape(const char *string, int length);

/* The way back: a % without two hex digits stays. *outlength, unless NULL, is its size; it has a zero behind it too. */
CURL_EXTERN char *curl_easy_unescape(CURL *handle, const char *string, int length, int *outlength);
CURL_EXTERN char *curl_unescape(const char *string, int length);

/* ASCII without regard to case: 1 when equal (n bytes at most), else 0; two NULLs are equal. */
CURL_EXTERN int curl_strequal(const char *a, const char *b);
CURL_EXTERN int curl_strnequal(const char *a, const char *b, size_t n);

/* An environment variable's copy (curl_free), NULL: none. Always NULL here: nothing in the library reads the environment. */
CURL_EXTERN char *curl_getenv(const char *variable);

/* Seconds since 1970 of a date as HTTP has them: "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
 * "Sun Nov  6 08:49:37 1994"; the weekday may be missing. -1: another form, or no such day. now is not used. */
CURL_EXTERN time_t curl_getdate(const char *p, const time_t *now);

/* Frees memory the library handed over to the caller. NULL is fine. */
CURL_EXTERN void curl_free(void *p);

/* Adds a copy of data to the end of list (NULL is the empty list). Answers the list's head, or NULL without memory;
 * the old list is then untouched and still the caller's. */
CURL_EXTERN struct curl_slist *curl_slist_append(struct curl_slist *list, const char *data);

/* Frees a whole list with its strings. NULL is fine. */
CURL_EXTERN void curl_slist_free_all(struct curl_slist *list);

/* ---- One transfer ------------------------------------------------------------------------------------------------*/

/* A new transfer with default options, or NULL. The caller owns it and ends it with curl_easy_cleanup. */
CURL_EXTERN CURL *curl_easy_init(void);

/* Sets one option; the value's type follows from the option's number (see CURLoption).
 * Strings are copied. Borrowed until the transfer ends are lists (a program may append to them; each line is looked at again
 * when it is sent, and one that cannot be ends the transfer), CURLOPT_POSTFIELDS, CURLOPT_ERRORBUFFER, CURLOPT_STDERR and the
 * pointers that callbacks get.
 * CURLE_UNKNOWN_OPTION or CURLE_NOT_BUILT_IN for what is not covered: B18, such a refusal is the next transfer's result too,
 * unless it is taken back (sluice/sluice.h has the whole rule, and which values ask for nothing and are taken). A refused text,
 * list or body leaves the option unset (U7). CURLE_BAD_FUNCTION_ARGUMENT for a NULL handle, a text or line that cannot be sent,
 * or a number out of range: negative times and speeds; too large times are clamped (T8). Of TIMEOUT and TIMEOUT_MS the one
 * set last wins. Allowed in callbacks (X6); a new write callback takes effect at the next delivery (W15).
 * Of HTTPGET, POST, POSTFIELDS, UPLOAD and NOBODY the one set last says the method. CURLOPT_MAXFILESIZE: bytes, W14.
 * CURLOPT_EXPECT_100_TIMEOUT_MS: R5. CURLOPT_PREREQFUNCTION: before each request, redirects' too (P12, X8).
 * CURLOPT_VERBOSE tells CURLOPT_DEBUGFUNCTION, or CURLOPT_STDERR, texts, heads and bodies. CURLOPT_CONNECT_ONLY: 1 only, see
 * curl_easy_recv. CURLOPT_CONNECT_TO and CURLOPT_RESOLVE: lists, not for https; one literal address an entry, others
 * are CURLE_NOT_BUILT_IN, malformed ones CURLE_SETOPT_OPTION_SYNTAX. CURLOPT_OPENSOCKETFUNCTION, SOCKOPTFUNCTION and
 * CLOSESOCKETFUNCTION (X8): only where there are descriptors, else CURLE_UNKNOWN_OPTION; a connection keeps the close
 * callback it was opened with, also longer than the handle.
 * CURLOPT_URL: without a scheme that of CURLOPT_DEFAULT_PROTOCOL, or as the host's name lets guess (example.com: http).
 * CURLOPT_PROTOCOLS(_STR), REDIR_PROTOCOLS(_STR): another scheme is CURLE_UNSUPPORTED_PROTOCOL; a redirect to a file never.
 * CURLOPT_HTTPAUTH: only Basic is there. Alone it is sent at once; as one of several it waits for a 401 that offers it, and the
 * request is made again; without it CURLE_NOT_BUILT_IN, and no credentials are sent; CURLAUTH_NONE sends none.
 * CURLOPT_RESUME_FROM(_LARGE): bytes; of HTTP a GET that takes only a 206 which begins there, or a 416 that says there is no
 * more, else CURLE_RANGE_ERROR and nothing is delivered; of a file what follows, CURLE_BAD_DOWNLOAD_RESUME when it is
 * shorter. Not for uploads: CURLE_NOT_BUILT_IN when it starts. CURLOPT_RANGE of a file: "a-b", "a-" or "-n", CURLE_RANGE_ERROR
 * for others. CURLOPT_NETRC: no such file is ever read, so CURL_NETRC_OPTIONAL finds none; REQUIRED and a CURLOPT_NETRC_FILE
 * are CURLE_NOT_BUILT_IN. CURLOPT_HTTP_VERSION: 1.0, 1.1, and those that ask for 2 where the server has it, which is 1.1 here. */
CURL_EXTERN CURLcode curl_easy_setopt(CURL *curl, CURLoption option, ...);

/* Runs the transfer and returns at its end: CURLE_OK or why it ended. Text goes to CURLOPT_ERRORBUFFER.
 * Blocks; a paused transfer goes on blocking, with its progress callback at least once a second (G2), until it is
 * unpaused or stopped. Limits: T1 to T9, L1 to L6, S1 to S5.
 * CURLE_FAILED_INIT for a handle that is in a multi, CURLE_RECURSIVE_API_CALL from its own callbacks (X5). */
CURL_EXTERN CURLcode curl_easy_perform(CURL *curl);

/* Sets the pause state of both directions: bitmask is CURLPAUSE_* and is the whole state, not a change (P1).
 * Unpausing delivers what is held before it returns, and the write callback may refuse again (P6); a write error there
 * is this call's result (P7). Allowed in every callback but a multi's socket and timer callbacks: there
 * CURLE_RECURSIVE_API_CALL (P3). CURLE_BAD_FUNCTION_ARGUMENT for NULL or a transfer that is not under way (P2).
 * Unknown bits are ignored (B10). Also P4 to P16, and B3, B4, B6 for what is better here. Owner thread only. */
CURL_EXTERN CURLcode curl_easy_pause(CURL *curl, int bitmask);

/* Writes one info to the pointer given, whose type follows from the info's number (see CURLINFO).
 * Strings, and what CURLINFO_CERTINFO gives, belong to the handle and last until its next transfer, reset or cleanup;
 * the lists of CURLINFO_COOKIELIST and CURLINFO_SSL_ENGINES belong to the caller.
 * CURLE_UNKNOWN_OPTION for what is not covered, CURLE_BAD_FUNCTION_ARGUMENT for NULL. Allowed in callbacks (X6). */
CURL_EXTERN CURLcode curl_easy_getinfo(CURL *curl, CURLINFO info, ...);

/* Sets all options back to their defaults and clears the pause state (P13); connections are kept.
 * Does nothing from within a callback of the same handle (X4). A transfer that runs in a multi goes on; a request body
 * that is not all read then is taken back with the options, which ends it with CURLE_READ_ERROR. */
CURL_EXTERN void curl_easy_reset(CURL *curl);

/* A new handle with the same options, in no multi and without connections; strings are copied, what was borrowed is
 * shared. NULL without memory. Allowed in callbacks (X6). */
CURL_EXTERN CURL *curl_easy_duphandle(CURL *curl);

/* After a transfer with CURLOPT_CONNECT_ONLY: bytes over its connection, which lasts until the handle is used again,
 * leaves its multi or is cleaned up. Neither waits: CURLE_AGAIN when nothing can be done now (wait for
 * CURLINFO_ACTIVESOCKET). *n: bytes received (0 with CURLE_OK: the peer ended) or taken. CURLE_UNSUPPORTED_PROTOCOL
 * without such a connection, CURLE_RECV_ERROR or CURLE_SEND_ERROR when it is broken. No limit applies (T4). */
CURL_EXTERN CURLcode curl_easy_recv(CURL *curl, void *buffer, size_t buflen, size_t *n);
CURL_EXTERN CURLcode curl_easy_send(CURL *curl, const void *buffer, size_t buflen, size_t *n);

/* Ends a transfer's life; a handle still in a multi is taken out first. Does nothing from within one of the handle's
 * callbacks (X4). NULL is fine. */
CURL_EXTERN void curl_easy_cleanup(CURL *curl);

/* Keeps idle connections alive where their protocol can: HTTP/1 cannot, so there is nothing to do. CURLE_OK,
 * CURLE_BAD_FUNCTION_ARGUMENT for NULL, CURLE_RECURSIVE_API_CALL from a callback. */
CURL_EXTERN CURLcode curl_easy_upkeep(CURL *curl);

/* A short text for a code, in English; a constant string that nobody frees. Unknown codes have a text too. */
CURL_EXTERN const char *curl_easy_strerror(CURLcode error);

/* ---- What is not there ----------------------------------------------------------------------------------------------
 * So that programs link. curl_mime_init answers NULL, so the others have nothing to work on: CURLE_NOT_BUILT_IN, or NULL.
 * curl_formadd: CURL_FORMADD_DISABLED. TLS sessions: CURLE_NOT_BUILT_IN. */

typedef struct curl_mime curl_mime;
typedef struct curl_mimepart curl_mimepart;
CURL_EXTERN curl_mime *curl_mime_init(CURL *easy);
CURL_EXTERN void curl_mime_free(curl_mime *mime);
CURL_EXTERN curl_mimepart *curl_mime_addpart(curl_mime *mime);
CURL_EXTERN CURLcode curl_mime_name(curl_mimepart *part, const char *name);
CURL_EXTERN CURLcode curl_mime_filename(curl_mimepart *part, const char *filename);
CURL_EXTERN CURLcode curl_mime_type(curl_mimepart *part, const char *mimetype);
CURL_EXTERN CURLcode curl_mime_encoder(curl_mimepart *part, const char *encoding);
CURL_EXTERN CURLcode curl_mime_data(curl_mimepart *part, const char *data, size_t datasize);
CURL_EXTERN CURLcode curl_mime_filedata(curl_mimepart *part, const char *filename);
CURL_EXTERN CURLcode curl_mime_data_cb(curl_mimepart *part, curl_off_t datasize, curl_read_callback readfunc,
                                       curl_seek_callback seekfunc, curl_free_callback freefunc, void *arg);
CURL_EXTERN CURLcode curl_mime_subparts(curl_mimepart *part, curl_mime *subparts);
CURL_EXTERN CURLcode curl_mime_headers(curl_mimepart *part, struct curl_slist *headers, int take_ownership);

struct curl_httppost;
struct curl_forms {
    int option;
    const char *value;
};
typedef enum {
    CURL_FORMADD_OK = 0,
    CURL_FORMADD_MEMORY = 1,
    CURL_FORMADD_OPTION_TWICE = 2,
    CURL_FORMADD_NULL = 3,
    CURL_FORMADD_UNKNOWN_OPTION = 4,
    CURL_FORMADD_INCOMPLETE = 5,
    CURL_FORMADD_ILLEGAL_ARRAY = 6,
    CURL_FORMADD_DISABLED = 7,
    CURL_FORMADD_LAST  /* one past the last */
} CURLFORMcode;
typedef size_t (*curl_formget_callback)(void *arg, const char *buf, size_t len);
CURL_EXTERN CURLFORMcode curl_formadd(struct curl_httppost **httppost, struct curl_httppost **last_post, ...);
CURL_EXTERN int curl_formget(struct curl_httppost *form, void *arg, curl_formget_callback append);
CURL_EXTERN void curl_formfree(struct curl_httppost *form);

typedef CURLcode curl_ssls_export_cb(CURL *handle, void *userptr, const char *session_key, const unsigned char *shmac,
                                     size_t shmac_len, const unsigned char *sdata, size_t sdata_len, curl_off_t valid_until,
                                     int ietf_tls_id, const char *alpn, size_t earlydata_max);
CURL_EXTERN CURLcode curl_easy_ssls_import(CURL *handle, const char *session_key, const unsigned char *shmac,
                                           size_t shmac_len, const unsigned char *sdata, size_t sdata_len);
CURL_EXTERN CURLcode curl_easy_ssls_export(CURL *handle, curl_ssls_export_cb *export_fn, void *userptr);

/* ---- What several transfers share ----------------------------------------------------------------------------------
 * Only what saves time can be shared, and nothing is: each handle keeps its own. So no lock function is ever called.
 * Cookies and HSTS are not there: CURLSHE_NOT_BUILT_IN. A share must outlive the handles that it was set to. */

typedef enum {
    CURL_LOCK_DATA_NONE = 0,
    CURL_LOCK_DATA_SHARE = 1,
    CURL_LOCK_DATA_COOKIE = 2,
    CURL_LOCK_DATA_DNS = 3,
    CURL_LOCK_DATA_SSL_SESSION = 4,
    CURL_LOCK_DATA_CONNECT = 5,
    CURL_LOCK_DATA_PSL = 6,
    CURL_LOCK_DATA_HSTS = 7,
    CURL_LOCK_DATA_LAST  /* one past the last */
} curl_lock_data;

typedef enum {
    CURL_LOCK_ACCESS_NONE = 0,
    CURL_LOCK_ACCESS_SHARED = 1,
    CURL_LOCK_ACCESS_SINGLE = 2,
    CURL_LOCK_ACCESS_LAST  /* one past the last */
} curl_lock_access;

typedef void (*curl_lock_function)(CURL *handle, curl_lock_data data, curl_lock_access locktype, void *userptr);
typedef void (*curl_unlock_function)(CURL *handle, curl_lock_data data, void *userptr);

typedef enum {
    CURLSHE_OK = 0,
    CURLSHE_BAD_OPTION = 1,
    CURLSHE_IN_USE = 2,
    CURLSHE_INVALID = 3,
    CURLSHE_NOMEM = 4,
    CURLSHE_NOT_BUILT_IN = 5,
    CURLSHE_LAST  /* one past the last code; not a code */
} CURLSHcode;

typedef enum {
    CURLSHOPT_NONE = 0,
    CURLSHOPT_SHARE = 1,
    CURLSHOPT_UNSHARE = 2,
    CURLSHOPT_LOCKFUNC = 3,
    CURLSHOPT_UNLOCKFUNC = 4,
    CURLSHOPT_USERDATA = 5,
    CURLSHOPT_LAST  /* one past the last */
} CURLSHoption;

CURL_EXTERN CURLSH *curl_share_init(void);
CURL_EXTERN CURLSHcode curl_share_setopt(CURLSH *share, CURLSHoption option, ...);
CURL_EXTERN CURLSHcode curl_share_cleanup(CURLSH *share);
CURL_EXTERN const char *curl_share_strerror(CURLSHcode error);

/* ---- Several transfers at once -------------------------------------------------------------------------------------
 * All answer CURLM_BAD_HANDLE for a NULL multi, and CURLM_RECURSIVE_API_CALL from a callback where X6 forbids them. */

/* A new empty multi, or NULL. The caller owns it and ends it with curl_multi_cleanup. */
CURL_EXTERN CURLM *curl_multi_init(void);

/* Puts a transfer in, to start at the next curl_multi_perform; curl_multi_timeout is then 0. The handle stays the
 * caller's. CURLM_ADDED_ALREADY when it is in a multi, CURLM_BAD_EASY_HANDLE for NULL (X5),
 * CURLM_ABORTED_BY_CALLBACK on a dead multi (X7). */
CURL_EXTERN CURLMcode curl_multi_add_handle(CURLM *multi_handle, CURL *curl_handle);

/* Takes a transfer out, in any state; an unfinished one is stopped and gets no message. CURLM_OK also for a handle in
 * no multi, CURLM_BAD_EASY_HANDLE for one in another multi (X1 to X3). */
CURL_EXTERN CURLMcode curl_multi_remove_handle(CURLM *multi_handle, CURL *curl_handle);

/* Does whatever can be done without waiting. *running_handles, unless NULL: transfers not yet ended, paused ones
 * included (P15, W9). A transfer's own failure is not this call's: it comes as a message (X10). A pending wakeup stays
 * pending (K3). */
CURL_EXTERN CURLMcode curl_multi_perform(CURLM *multi_handle, int *running_handles);

/* Waits at most timeout_ms for activity on the transfers, on extra_fds, for the multi's own next deadline or for a
 * wakeup; with nothing to wait for it waits the time out (K1). Blocks. *numfds, unless NULL: descriptors with activity,
 * the wakeup not counted (K4). Paused transfers never make it return at once (K6).
 * CURLM_BAD_FUNCTION_ARGUMENT for a negative timeout. */
CURL_EXTERN CURLMcode curl_multi_poll(CURLM *multi_handle, struct curl_waitfd extra_fds[], unsigned int extra_nfds,
                                      int timeout_ms, int *numfds);

/* As curl_multi_poll, but with no descriptor to wait for it returns at once and leaves a wakeup pending (K5). */
CURL_EXTERN CURLMcode curl_multi_wait(CURLM *multi_handle, struct curl_waitfd extra_fds[], unsigned int extra_nfds,
                                      int timeout_ms, int *numfds);

/* Makes the current or the next curl_multi_poll return; several before one poll count as one (K2). The only function
 * for any thread; the multi must outlive the call. CURLM_WAKEUP_FAILURE when it could not be done. */
CURL_EXTERN CURLMcode curl_multi_wakeup(CURLM *multi_handle);

/* *timeout_ms: milliseconds until curl_multi_perform has something to do by the clock; 0 now, -1 no deadline (P8). */
CURL_EXTERN CURLMcode curl_multi_timeout(CURLM *multi_handle, long *timeout_ms);

/* The next message, or NULL. *msgs_in_queue: how many are left after it. Each comes once, in order of completion (X10).
 * The message belongs to the multi and lasts until the transfer is removed or the multi cleaned up. */
CURL_EXTERN CURLMsg *curl_multi_info_read(CURLM *multi_handle, int *msgs_in_queue);

/* Sets one option; the value's type follows from the option's number (see CURLMoption).
 * MAXCONNECTS: idle connections kept, 0 = 64. MAX_HOST_CONNECTIONS, MAX_TOTAL_CONNECTIONS: 0 = no limit; transfers
 * past it wait, first come, first served, and their time runs (T6). PIPELINING: 0 to 3, without effect on HTTP/1.
 * SOCKETFUNCTION/DATA, TIMERFUNCTION/DATA: see curl_multi_socket_action. NOTIFYFUNCTION/DATA: see
 * curl_multi_notify_enable. A SOCKETFUNCTION set while descriptors are watched is not told of them anew: it hears the
 * next change of each, its removal included, and gets what was assigned to it. With NULL nothing is told, removals
 * neither: a function set after that is told with the next call what has become different meanwhile, but never of a
 * descriptor that went in the gap, so it must forget those it knew from before.
 * CURLM_UNKNOWN_OPTION for the rest, and for SOCKETFUNCTION without descriptors; CURLM_BAD_FUNCTION_ARGUMENT for a
 * negative number. */
CURL_EXTERN CURLMcode curl_multi_setopt(CURLM *multi_handle, CURLMoption option, ...);

/* Tells that descriptor s can do what ev_bitmask (CURL_CSELECT_*, 0 = look yourself) says, or, with
 * CURL_SOCKET_TIMEOUT, that the timer ran out; does what can be done without waiting, in time proportional to that.
 * The socket callback says which descriptors to watch (CURL_POLL_*; P9: none of a paused transfer), the timer
 * callback when to call at the latest: one shot, -1 = not at all. Either may answer -1: then the multi is dead, all
 * transfers end with CURLE_ABORTED_BY_CALLBACK, and the call answers CURLM_ABORTED_BY_CALLBACK (X7). */
CURL_EXTERN CURLMcode curl_multi_socket_action(CURLM *multi_handle, curl_socket_t s, int ev_bitmask,
                                               int *running_handles);

/* Older names: as curl_multi_socket_action without knowing what happened; as curl_multi_perform. */
CURL_EXTERN CURLMcode curl_multi_socket(CURLM *multi_handle, curl_socket_t s, int *running_handles);
CURL_EXTERN CURLMcode curl_multi_socket_all(CURLM *multi_handle, int *running_handles);

/* No server pushes here (HTTP/2): NULL. */
CURL_EXTERN char *curl_pushheader_bynum(struct curl_pushheaders *h, size_t num);
CURL_EXTERN char *curl_pushheader_byname(struct curl_pushheaders *h, const char *name);

/* What the socket callback gets as socketp for this descriptor, until it is told CURL_POLL_REMOVE. Allowed in
 * callbacks (X6). CURLM_BAD_SOCKET for one that is not announced. */
CURL_EXTERN CURLMcode curl_multi_assign(CURLM *multi_handle, curl_socket_t sockfd, void *sockp);

/* Adds the descriptors that are waited for to the sets (NULL: left out), paused transfers' not included (K7). *max_fd:
 * the highest of them, -1 without any; then wait a little, at most curl_multi_timeout. except_set is not used. */
CURL_EXTERN CURLMcode curl_multi_fdset(CURLM *multi_handle, fd_set *read_set, fd_set *write_set, fd_set *except_set,
                                       int *max_fd);

/* The same into an array of size entries; *fd_count, unless NULL: how many there are. NULL and 0 ask for the number
 * only. CURLM_OUT_OF_MEMORY when the array is too small (K7). */
CURL_EXTERN CURLMcode curl_multi_waitfds(CURLM *multi_handle, struct curl_waitfd *ufds, unsigned int size,
                                         unsigned int *fd_count);

/* The transfers in it, in order of adding, NULL behind the last; the caller frees the list with curl_free. NULL without
 * memory or for NULL. Allowed in callbacks (X6). */
CURL_EXTERN CURL **curl_multi_get_handles(CURLM *multi_handle);

/* *value: how many transfers are in it; run; wait for a connection; have ended with their message not read yet; and how
 * many were ever added. CURLM_UNKNOWN_OPTION for other infos, CURLM_BAD_FUNCTION_ARGUMENT for NULL. Allowed in callbacks
 * (X6). */
typedef enum {
    CURLMINFO_NONE = 0,
    CURLMINFO_XFERS_CURRENT = 1,
    CURLMINFO_XFERS_RUNNING = 2,
    CURLMINFO_XFERS_PENDING = 3,
    CURLMINFO_XFERS_DONE = 4,
    CURLMINFO_XFERS_ADDED = 5,
    CURLMINFO_LASTENTRY
} CURLMinfo_offt;
CURL_EXTERN CURLMcode curl_multi_get_offt(CURLM *multi_handle, CURLMinfo_offt info, curl_off_t *value);

/* Have CURLMOPT_NOTIFYFUNCTION called at the end of perform and socket_action for this kind, or no longer:
 * CURLMNOTIFY_EASY_DONE for each transfer that ended, then CURLMNOTIFY_INFO_READ once when there are messages again, with
 * a handle of the multi's own (X11). Inside it transfers may be added and removed. CURLM_UNKNOWN_OPTION for others. */
CURL_EXTERN CURLMcode curl_multi_notify_enable(CURLM *multi_handle, unsigned int notification);
CURL_EXTERN CURLMcode curl_multi_notify_disable(CURLM *multi_handle, unsigned int notification);

/* Ends a multi's life, stopping what still runs; the transfers in it are taken out and remain the caller's.
 * CURLM_RECURSIVE_API_CALL from a callback, and nothing happens (X4). */
CURL_EXTERN CURLMcode curl_multi_cleanup(CURLM *multi_handle);

/* A short text for a code, in English; a constant string that nobody frees. Unknown codes have a text too. */
CURL_EXTERN const char *curl_multi_strerror(CURLMcode error);

#ifdef __cplusplus
}
#endif

#include <curl/options.h>
#include <curl/header.h>
#include <curl/urlapi.h>
#include <curl/websockets.h>
#include <curl/mprintf.h>

#endif
