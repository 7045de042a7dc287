/* protocol.h: what a protocol does for a transfer, on a connection.
 *
 * Connections and transfers are separate things, and a protocol is the only one that knows both. It moves
 * bytes between a connection's `in` and `out` (connection.h) and its transfers (sl_in_*, receive.h). It owns
 * `protocol_state` of a connection and nothing of a transfer. It calls the user only through transfer.h, receive.h and
 * upload.h (and its `asked` and `trailers`), and stores no readiness: `want` derives it each time it is asked.
 *
 * The same seven functions carry what differs most between protocols:
 *
 *              http1                 http2                    exchange                file
 *  kind        TCP, TLS              TCP, TLS                 EXCHANGE                FILE
 *  chosen by   ALPN http/1.1 or none ALPN h2, prior knowledge kind                    kind
 *  spec key    host and port         the same, alpn h2        one request: never      one file: never
 *                                                             equal, so never pooled  pooled
 *  room        1                     peer's MAX_STREAMS       1                       1
 *  begin       compose the head      HEADERS frame            -- (it is in the spec)  size from SL_INFO_SIZE
 *  input       parse head, framing   frames to their streams  head from SL_INFO_HEAD, body by recv / move
 *                                                             body by recv / move
 *  want        IN iff its transfer   IN iff window is left to IN iff its transfer     the same
 *              may receive           give; one paused stream  may receive
 *                                    withholds its credit
 *  resumed     --                    WINDOW_UPDATE            --                      --
 *  held        parse on              the same                 --                      --
 *  cancel      the channel is lost   RST_STREAM, kept         closed                  closed
 */
#ifndef SLUICE_PROTOCOL_H
#define SLUICE_PROTOCOL_H
#include "../engine/model.h"

typedef struct sl_protocol {
  const char *name;
  /* The channel opened: make protocol_state. False: memory. */
  bool (*opened)(sl_conn *c);
  /* How many more transfers may begin on it now. */
  uint32_t (*room)(const sl_conn *c);
  /* A transfer begins (its state is ACTIVE, both halves HEAD). False: it was stopped. */
  bool (*begin)(sl_conn *c, sl_transfer *t);
  /* Bytes may have come / may go: go on until AGAIN, until nobody may receive, or for one turn's budget.
   * 0, SL_AGAIN, or the code the channel died of: then every guest has been told. */
  int32_t (*input)(sl_conn *c);
  int32_t (*output)(sl_conn *c);
  /* SL_IN | SL_OUT, derived from the guests' allowances, `in` and `out`. */
  uint32_t (*want)(sl_conn *c);
  /* t's gate opened or its rate got tokens. NULL: nothing to say to the peer. */
  void (*resumed)(sl_conn *c, sl_transfer *t);
  /* Understand what is in `in`, as far as t takes it, and receive nothing (P6). NULL: `in` is empty between turns. */
  void (*held)(sl_conn *c, sl_transfer *t);
  /* t leaves: how many bytes must be read and dropped before another may begin, 0 = none; < 0: none ever may. Of
   * them pool.c knows nothing, so nothing but a body of known length counts. */
  int64_t (*leave)(sl_conn *c, sl_transfer *t);
  /* Free protocol_state. */
  void (*closed)(sl_conn *c);
} sl_protocol;

/* Those there are. table.h says when each is taken. */
extern const sl_protocol sl_http1;
extern const sl_protocol sl_file;
extern const sl_protocol sl_exchange;

#endif
