/* handle.h: what the C face's own files share: the handle behind CURL *.
 *
 * easy.c has the handle's life and what drives it, easy_options.c the table of options, easy_user.c the callbacks,
 * easy_info.c getinfo. A multi that a handle is added to hears of it through `owner`. The engine knows none of them. */
#ifndef SLUICE_HANDLE_H
#define SLUICE_HANDLE_H
#include "../engine/multi.h"
#include "../engine/transfer.h"

typedef struct sl_easy sl_easy;

/* What the multi that a handle was added to wants to hear of it. */
typedef struct sl_easy_owner {
  void (*done)(sl_easy *e);             /* X11: it has ended                                    */
  void (*leaves)(sl_easy *e);           /* it is about to be taken out, because it is cleaned up */
  void (*expects_progress)(sl_easy *e); /* B7: it may want progress calls from now on           */
} sl_easy_owner;

#define SL_EASY_MAGIC 0x736c6561u
struct sl_easy {
  uint32_t magic;       /* first, as in a multi's handle: the wrong kind of handle is told by it */
  sl_transfer t;
  uint32_t in_callback; /* > 0: inside a callback of this handle                                 */
  bool ended;           /* the engine has said done                                              */
  bool line_shown;      /* the debug callback has the next line already                          */
  bool line_written;    /* CURLOPT_HEADER: the write callback has the next line, the header one not yet */
  sl_options options;
  const sl_easy_owner *owner; /* NULL: in no multi                                              */
  sl_multi *own;        /* the private engine of perform, kept for its connections; NULL: none yet */
  const char *body;     /* POSTFIELDS as the request under way set out with it, or NULL: borrowed, only compared */
  CURLMsg message;
  bool notify;          /* X11: it is on its multi's list, by notify_next                        */
  struct sl_easy *notify_prev, *notify_next;
  char *content_type;   /* of the latest response, owned                                         */
  char *effective_url, *redirect_url; /* as last asked for, owned                                */
  char peer_ip[64], local_ip[64]; /* CURLINFO_PRIMARY_IP, _LOCAL_IP as last asked for            */
};

/* NULL when it is not a handle. */
sl_easy *sl_easy_of(CURL *handle);
/* The handle that a transfer of the C face is part of. */
sl_easy *sl_easy_from(sl_transfer *t);

/* The engine's view of all handles: easy_user.c. */
extern const sl_user sl_easy_user;
/* G2: whether each run owes it a progress call. */
bool sl_easy_wants_progress(const sl_easy *e);
/* CONNECT_ONLY: the connection kept for curl_easy_send and _recv is closed. */
void sl_easy_close_raw(sl_easy *e);
/* Of "address port" the port, and the address into ip (64 bytes) unless NULL. A unix socket's path is neither. */
int64_t sl_easy_address(const char *both, char *ip);
/* easy_options.c, B18: what options.c has not: CURLE_OK for a value that asks for nothing, NOT_BUILT_IN for other values of
 * libcurl's options, UNKNOWN_OPTION for all else. Numbers, and whatever comes as a pointer. */
CURLcode sl_easy_neutral_number(int option, int64_t value);
CURLcode sl_easy_neutral_pointer(int option, const void *value);
/* Without "CURLOPT_"; NULL: there is none of that number. */
const char *sl_easy_option_name(int option);
/* ERRORBUFFER, always zero-ended. */
void sl_easy_error(sl_easy *e, const char *message);
/* e is about to be added to m: its trace function, if it has one, will be told. */
void sl_easy_trace(sl_multi *m, const sl_easy *e);
/* A new run begins: forget what the one before left to be asked for. */
void sl_easy_begin(sl_easy *e);

/* Every transfer of an engine of C handles ends: its host said this code when asked to wait. */
void sl_easy_host_failed(sl_multi *m, int32_t code);
/* Milliseconds until `next` (sl_multi_next_us), rounded up so that the deadline has come then; -1: never. */
int64_t sl_easy_wait_ms(const sl_multi *m, int64_t next_us);

/* libcurl's default write callback, fwrite to a FILE *: c/host/stdio.c, part of every C library. Declared here, for
 * nothing above the door may know more of stdio. */
size_t sl_stdio_write(char *data, size_t size, size_t n, void *file);
/* The default read callback, fread (stdin when NULL), and its way back to the start: false when it has none. */
size_t sl_stdio_read(char *buf, size_t size, size_t n, void *file);
bool sl_stdio_rewind(void *file);
/* Where VERBOSE goes without a debug callback: file, a FILE *, or stderr when that is NULL. */
void sl_stdio_debug(void *file, int type, const char *data, size_t n);

#endif
