/* ready.c: see ready.h. */
#include "ready.h"
#include "agenda.h"

bool sl_ready_running(const sl_transfer *t)
{
  return t->state.life == SL_PENDING || t->state.life == SL_CONNECTING || t->state.life == SL_ACTIVE;
}

uint64_t sl_ready_held_engine(const sl_transfer *t)
{
  return t->gate.held + (t->conn && t->conn->transfers == t && !t->conn_next ? t->conn->in_len : 0);
}

bool sl_ready_replays(const sl_transfer *t)
{
  return sl_gate_holds(&t->gate) && !(sl_gate_paused(&t->gate) & SL_DIR_RECV) && !t->cause;
}

bool sl_ready_takes(const sl_transfer *t)
{
  return !t->cause && !t->hop_now && t->state.life == SL_ACTIVE && t->state.recv != SL_RECV_END &&
         !(sl_gate_paused(&t->gate) & SL_DIR_RECV) && !sl_gate_holds(&t->gate);
}

int64_t sl_ready_recv(sl_transfer *t)
{
  return sl_ready_takes(t) ? sl_bucket_allows(&t->recv_bucket, sl_agenda_now_us(t)) : 0;
}

int64_t sl_ready_send(sl_transfer *t)
{
  if (t->cause || t->hop_now || t->state.life != SL_ACTIVE) return 0;
  if (t->state.send == SL_SEND_WAIT || t->state.send == SL_SEND_END) return 0;
  if (sl_gate_paused(&t->gate) & SL_DIR_SEND) return 0;
  return sl_bucket_allows(&t->send_bucket, sl_agenda_now_us(t));
}

sl_unsent sl_ready_unsent(const sl_transfer *t)
{
  int64_t n[2];
  bool told = t->conn && sl_info(t->conn->ch, SL_INFO_UNSENT, n, sizeof n) == (int32_t)sizeof n;
  return told ? (sl_unsent){ n[0], n[1] } : (sl_unsent){ 0, -1 };
}

uint64_t sl_ready_sent(const sl_transfer *t)
{
  uint64_t kept = t->conn && t->sent ? (uint64_t)sl_ready_unsent(t).kept : t->unsent;
  return kept < t->sent ? t->sent - kept : 0;
}

uint64_t sl_ready_held(const sl_transfer *t)
{
  int64_t host = 0;
  if (t->conn && sl_info(t->conn->ch, SL_INFO_HELD, &host, sizeof host) <= 0) host = 0;
  return sl_ready_held_engine(t) + (uint64_t)host;
}
