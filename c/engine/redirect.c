/* redirect.c: see redirect.h. */
#include "redirect.h"
#include <stdlib.h>
#include <string.h>
#include "request.h"
#include "transfer.h"
#include "upload.h"

#define REWIND_FAILED "necessary data rewind was not possible" /* R7 */

bool sl_redirect_location(sl_transfer *t, const char *value, size_t n)
{
  const sl_options *o = t->options;
  unsigned s = t->status;
  if ((s != 301 && s != 302 && s != 303 && s != 307 && s != 308) || !n) return false;
  free(t->location);
  t->location = sl_copy(value, n);
  if (!t->location) sl_transfer_stop(t, SL_CAUSE_HOST, CURLE_OUT_OF_MEMORY, NULL);
  if (!o->follow || t->cause) return false;
  t->after = SL_AFTER_REDIRECT;
  return true;
}

void sl_redirect_told(sl_transfer *t)
{
  const sl_options *o = t->options;
  if (t->after != SL_AFTER_REDIRECT || o->max_redirects < 0 || t->redirects < o->max_redirects) return;
  char text[CURL_ERROR_SIZE];
  sl_line line = { text, text + sizeof text };
  sl_line_str(&line, "Maximum (");
  sl_line_int(&line, o->max_redirects);
  sl_line_str(&line, ") redirects followed");
  sl_transfer_stop(t, SL_CAUSE_LIMIT, CURLE_TOO_MANY_REDIRECTS, text);
}

void sl_redirect_without_expect(sl_transfer *t)
{
  if (t->no_expect) return;
  t->no_expect = true;
  t->after = SL_AFTER_REPEAT;
}

void sl_redirect_with_login(sl_transfer *t)
{
  if (t->login_asked) return;
  t->login_asked = true;
  t->after = SL_AFTER_REPEAT;
}

void sl_redirect_challenge(sl_transfer *t, const char *value, size_t n)
{
  static const struct { const char *word; uint32_t method; } methods[] = {
    { "Basic", CURLAUTH_BASIC }, { "Digest", CURLAUTH_DIGEST }, { "Negotiate", CURLAUTH_NEGOTIATE }, { "NTLM", CURLAUTH_NTLM },
    { "Bearer", CURLAUTH_BEARER },
  };
  for (size_t i = 0, len; i < n && t->status == 401; i += len) {
    for (len = 0; i + len < n && !strchr(" \t,=\"", value[i + len]);) len++;
    if (value[i] == '"') /* what a quoted value says is no method */
      for (len = 1; i + len < n && value[i + len] != '"';) len += value[i + len] == '\\' ? 2 : 1;
    bool name = i + len < n && value[i + len] == '=', of_name = i && value[i - 1] == '=';
    for (size_t m = 0; !name && !of_name && m < sizeof methods / sizeof *methods; m++)
      if (sl_equal_nocase(value + i, len, methods[m].word)) t->login_offered |= methods[m].method;
    if (!len || value[i] == '"') len++;
  }
}

/* Whether this status drops the body, and with it the method, but for a custom word that is to stay. */
static bool becomes_get(const sl_transfer *t)
{
  const sl_options *o = t->options;
  const char *method = o->custom_request && o->follow != CURLFOLLOW_ALL ? o->custom_request : sl_request_plain_method(o);
  if (!strcmp(method, "HEAD") || !strcmp(method, "GET") || t->body_dropped) return false;
  switch (t->status) {
  case 301: return !strcmp(method, "POST") && !(o->post_redirect & CURL_REDIR_POST_301);
  case 302: return !strcmp(method, "POST") && !(o->post_redirect & CURL_REDIR_POST_302);
  case 303: return strcmp(method, "POST") || !(o->post_redirect & CURL_REDIR_POST_303);
  default: return false;
  }
}

static bool scheme_allowed(const sl_transfer *t, const char *scheme)
{
  if (!strcmp(scheme, "file")) return false; /* no server says which files are read here */
  return t->options->protocols & t->options->redirect_protocols & sl_protocol_bit(scheme, strlen(scheme));
}

/* The URL of the hop into `to`; false: stopped. */
static bool resolve(sl_transfer *t, sl_url *to)
{
  sl_text base = { .max = SL_URL_MAX };
  const char *why = "malformed Location";
  char *text = NULL;
  sl_request_url(t, &base);
  enum sl_url_error bad = base.failed ? SL_URL_NOMEM
                                      : sl_url_join(base.data, base.len, t->location, strlen(t->location), &text);
  if (!bad) bad = sl_url_parse(text, strlen(text), to, &why);
  if (!bad && !scheme_allowed(t, to->scheme)) {
    bad = SL_URL_SCHEME;
    why = "the scheme is not allowed";
    sl_url_free(to);
  }
  sl_text_free(&base);
  free(text);
  if (!bad) return true;
  CURLcode code = bad == SL_URL_NOMEM ? CURLE_OUT_OF_MEMORY
                  : bad == SL_URL_SCHEME ? CURLE_UNSUPPORTED_PROTOCOL : CURLE_URL_MALFORMAT;
  char said[CURL_ERROR_SIZE];
  sl_line line = { said, said + sizeof said };
  sl_line_str(&line, "Redirect that cannot be followed: ");
  sl_line_str(&line, why);
  sl_line_str(&line, ": ");
  sl_line_str(&line, t->location);
  sl_transfer_stop(t, SL_CAUSE_PEER, code, said);
  return false;
}

/* To where the Location leads; false: stopped. */
static bool go(sl_transfer *t)
{
  sl_url to;
  if (!resolve(t, &to)) return false;
  if (becomes_get(t)) t->body_dropped = true;
  else if (!sl_upload_rewind(t, REWIND_FAILED)) {
    sl_url_free(&to);
    return false;
  }
  if (t->initial.host) sl_url_free(&t->url);
  else t->initial = t->url;
  t->url = to;
  t->redirects++;
  return true;
}

bool sl_redirect_hop(sl_transfer *t)
{
  SL_ASSERT(t->after && !sl_gate_holds(&t->gate));
  if (!(t->after == SL_AFTER_REDIRECT ? go(t) : sl_upload_rewind(t, REWIND_FAILED))) return false;
  t->range_from = t->range_total = -1;
  t->after = SL_AFTER_NOTHING;
  t->hop_now = false;
  free(t->location);
  t->location = NULL;
  return true;
}
