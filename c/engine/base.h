/* base.h: what every part of the engine shares: names of the parts, named bounds, the assertion. */
#ifndef SLUICE_BASE_H
#define SLUICE_BASE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sluice/host.h>

typedef struct sl_multi sl_multi;       /* model.h: one engine                             */
typedef struct sl_transfer sl_transfer; /* model.h: one request of one caller              */
typedef struct sl_conn sl_conn;         /* model.h: one channel and what runs over it     */

/* Without libc's assert: that prints, and the engine does no I/O. */
#ifndef NDEBUG
#define SL_ASSERT(x) ((x) ? (void)0 : __builtin_trap())
#else
#define SL_ASSERT(x) ((void)0)
#endif

#define SL_SECOND ((int64_t)1000000)  /* microseconds, as every *_us of the engine */
#define SL_NEVER INT64_MAX            /* a deadline that does not come             */

/* Named bounds. Bytes unless the name says otherwise. */
#define SL_RECV_CHUNK_MAX 16384       /* one receive by the engine                                    */
#define SL_WRITE_MAX 16384            /* one call of a C write callback (W1)                          */
#define SL_HEAD_MAX 65536             /* one response's heads, interim ones and trailers included     */
#define SL_HEADER_LINES_MAX 256       /* header lines of one head                                     */
#define SL_CHUNK_LINE_MAX 1024        /* a chunk-size line with its extensions                        */
#define SL_URL_MAX 65536              /* a URL as given                                               */
#define SL_UPLOAD_CHUNK_MAX 65536     /* body bytes read from the user at a time                      */
#define SL_REQUEST_HEAD_MAX 1048576   /* a request head as composed                                   */
#define SL_RUN_READS_MAX 16           /* receives from one channel before its neighbours get a turn   */
#define SL_REPLAY_DEPTH_MAX 7         /* unpause calls inside the deliveries of one another (P3), a count   */
#define SL_POOL_IDLE_MAX 64           /* idle connections kept by one engine, a count                 */
#define SL_POOL_IDLE_US (118 * SL_SECOND) /* an idle connection older than this is not used again     */
#define SL_DRAIN_US SL_SECOND         /* B11, redirects: a connection that has not read out what was left by then is closed */
#define SL_CONNECT_TIMEOUT_MS 300000  /* T2: when none was set                                        */
#define SL_BUSY_RETRY_US 100000       /* the host had no room: asked again after this                      */
#define SL_BURST_MIN 32768            /* S1, B20: a rate's bucket holds at least this                 */
#define SL_BUCKET_STEP_US 50000       /* B20: how often a smooth rate gets tokens                     */
#define SL_LOOK_MAX_US SL_SECOND      /* B17: how long a deadline that was seen late waits for a second look, at most */
#define SL_UNSEEN_MAX 65536           /* bytes of a request's body that surely fit into what lies between us and the peer */

#endif
