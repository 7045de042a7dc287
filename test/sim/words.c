/* words.c: a scenario in words. See sim.h. */
#include "sim.h"
#include <stdlib.h>
#include <string.h>

/* ---- In words ------------------------------------------------------------------------------------------ */

static void say(sim *s, const char *what, int64_t n)
{
  sl_text_str(&s->script, " ");
  sl_text_str(&s->script, what);
  sl_text_str(&s->script, " ");
  sl_text_int(&s->script, n);
}

static void describe_transfer(sim *s, const sim_transfer *x)
{
  static const char *const faults[] = { "none", "end", "reset", "stall" };
  const sim_response *r = &x->response;
  const sl_options *o = x->o;
  say(s, "transfer", x->number);
  static const char *const methods[] = { ": GET", ": HEAD", ": PUT", ": POST" };
  sl_text_str(&s->script, methods[x->hops[0].method]);
  say(s, "file", x->file);
  say(s, "hops", x->hop_count);
  say(s, "follow", x->follow);
  say(s, "loops", x->loops);
  say(s, "unreachable", x->unreachable);
  if (x->has_body) {
    const sim_upload *up = &x->up;
    sl_text_str(&s->script, "\n   upload:");
    say(s, "len", up->len);
    say(s, "announced", up->announced);
    say(s, "expects", up->expects);
    say(s, "continue_us", up->continue_us);
    say(s, "answer_at", up->answer_at);
    say(s, "deaf", up->deaf);
    say(s, "resets", up->resets);
    say(s, "stall_at", up->stall_at);
    say(s, "fault", up->fault);
    say(s, "fault_at", up->fault_at);
    say(s, "rewinds", up->rewinds);
    say(s, "rejects", up->rejects);
    say(s, "trailers", up->trailers);
    say(s, "readies", up->readies);
    say(s, "pause", up->pause);
    say(s, "again", up->again);
    say(s, "fail", up->fail);
    say(s, "most", up->most);
  }
  for (uint32_t i = 0; i < x->hop_count; i++) {
    sl_text_str(&s->script, "\n   redirect: ");
    for (uint32_t k = 0; k < x->redirects[i].heads.len; k++) {
      char c = x->redirects[i].heads.data[k];
      sl_text_add(&s->script, c >= ' ' ? &c : c == '\n' ? "|" : "", c == '\r' ? 0 : 1);
    }
  }
  sl_text_str(&s->script, "\n  ");
  say(s, "origin", x->origin);
  say(s, "tls", x->tls);
  say(s, "moves", x->user.moves);
  sl_text_str(&s->script, "\n   response:");
  say(s, "wire", (int64_t)r->wire.len);
  say(s, "heads", (int64_t)r->heads.len);
  say(s, "body", r->body_len);
  say(s, "whole", r->whole);
  say(s, "close", r->close);
  say(s, "until_close", r->until_close);
  say(s, "seg_max", r->seg_max);
  say(s, "think", r->think_us);
  say(s, "delay", r->delay_us);
  say(s, "glue", r->glue);
  sl_text_str(&s->script, " fault ");
  sl_text_str(&s->script, faults[r->fault]);
  say(s, "at", r->fault_at);
  say(s, "drops", r->fault_drops);
  sl_text_str(&s->script, "\n   options:");
  say(s, "timeout_ms", o->timeout_ms);
  say(s, "connect_ms", o->connect_timeout_ms);
  say(s, "low_speed", o->low_speed_limit);
  say(s, "for_s", o->low_speed_time_s);
  say(s, "recv_rate", o->max_recv_speed);
  say(s, "send_rate", o->max_send_speed);
  say(s, "paused_ms", o->paused_timeout_ms);
  say(s, "silence_ms", o->silence_timeout_ms);
  say(s, "queue_ms", o->queue_timeout_ms);
  say(s, "burst", o->burst);
  say(s, "drain_max", o->drain_max_bytes);
  sl_text_str(&s->script, "\n   user:");
  say(s, "refuse", x->refuse);
  say(s, "partial", x->partial);
  say(s, "fail", x->fail);
  say(s, "act", x->act);
  say(s, "resume_us", x->resume_us);
  say(s, "replays", x->replays);
  say(s, "connect_alone", x->user.connect_alone);
  sl_text_str(&s->script, "\n   may end with: 0");
  for (uint32_t i = 0; i < x->allows; i++) say(s, "", x->allow[i]);
  say(s, "hang", x->may_hang);
  say(s, "any", x->any_code);
  sl_text_str(&s->script, "\n   wire begins: ");
  for (uint32_t i = 0; i < r->wire.len && i < 200; i++) {
    char c = r->wire.data[i];
    sl_text_add(&s->script, c >= ' ' && c < 127 ? &c : c == '\n' ? "|" : ".", 1);
  }
  sl_text_str(&s->script, "\n");
}

void sim_describe(sim *s)
{
  static const char *const names[] = { "add", "pause", "resume", "stop", "remove", "readd", "speed", "hold",
                                       "free", "spurious", "look", "more", "limit", "connections", "sleep", "wake", "poll" };
  sl_text_str(&s->script, " host:");
  say(s, "drive", s->drive);
  say(s, "moves", s->moves);
  say(s, "moves_out", s->moves_out);
  say(s, "reads_ahead", s->reads_ahead);
  say(s, "window", s->window);
  say(s, "send_max", s->send_max);
  say(s, "channels_max", s->channels_max);
  say(s, "late_us", s->late_us);
  say(s, "fail_call", s->fail_call);
  say(s, "fail_chance", s->fail_chance);
  say(s, "busy", s->busy);
  say(s, "max_connections", s->m->max_connections);
  say(s, "max_host_connections", s->m->max_host_connections);
  sl_text_str(&s->script, "\n");
  for (uint32_t i = 0; i < s->origin_count; i++) {
    const sim_origin *o = &s->origins[i];
    say(s, "origin", i);
    say(s, "open_code", o->open_code);
    say(s, "open_delay", o->open_delay_us == SL_NEVER ? -1 : o->open_delay_us);
    say(s, "idle_us", o->idle_us == SL_NEVER ? -1 : o->idle_us);
    say(s, "requests_max", o->requests_max);
    say(s, "requests_reset", o->requests_reset);
    sl_text_str(&s->script, "\n");
  }
  for (uint32_t i = 0; i < s->count; i++) describe_transfer(s, &s->transfers[i]);
  for (uint32_t i = 0; i < s->command_count; i++) {
    const sim_command *c = &s->commands[i];
    say(s, "at", c->at_us - SIM_EPOCH_US);
    sl_text_str(&s->script, " ");
    sl_text_str(&s->script, names[c->what]);
    say(s, "transfer", c->number);
    say(s, "arg", c->arg);
    sl_text_str(&s->script, "\n");
  }
}
