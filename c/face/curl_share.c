/* curl_share.c: libcurl's share interface. What it can share without a program noticing (names that were looked up, TLS sessions,
 * connections, the list of public suffixes) saves time only, so a share takes these and shares nothing; locks are never
 * needed, so none is taken. Cookies and HSTS, whose sharing is seen, are not there at all and are refused. */
#include "curl_share.h"
#include <stdarg.h>
#include <stdlib.h>

#define MAGIC 0x736c7368u

struct share {
  uint32_t magic;
};

bool sl_share_of(const void *handle)
{
  const struct share *s = handle;
  return s && s->magic == MAGIC;
}

CURLSH *curl_share_init(void)
{
  struct share *s = calloc(1, sizeof *s);
  if (s) s->magic = MAGIC;
  return s;
}

static CURLSHcode share_what(int what, bool on)
{
  switch (what) {
  case CURL_LOCK_DATA_DNS:
  case CURL_LOCK_DATA_SSL_SESSION:
  case CURL_LOCK_DATA_CONNECT:
  case CURL_LOCK_DATA_PSL: return CURLSHE_OK;
  case CURL_LOCK_DATA_COOKIE:
  case CURL_LOCK_DATA_HSTS: return on ? CURLSHE_NOT_BUILT_IN : CURLSHE_OK;
  default: return CURLSHE_BAD_OPTION;
  }
}

CURLSHcode curl_share_setopt(CURLSH *handle, CURLSHoption option, ...)
{
  CURLSHcode code = CURLSHE_BAD_OPTION;
  va_list args;
  if (!sl_share_of(handle)) return CURLSHE_INVALID;
  va_start(args, option);
  switch (option) {
  case CURLSHOPT_SHARE: code = share_what(va_arg(args, int), true); break;
  case CURLSHOPT_UNSHARE: code = share_what(va_arg(args, int), false); break;
  case CURLSHOPT_LOCKFUNC:
  case CURLSHOPT_UNLOCKFUNC:
  case CURLSHOPT_USERDATA: code = CURLSHE_OK; break;
  default: break;
  }
  va_end(args);
  return code;
}

CURLSHcode curl_share_cleanup(CURLSH *handle)
{
  struct share *s = handle;
  if (!sl_share_of(s)) return CURLSHE_INVALID;
  s->magic = 0;
  free(s);
  return CURLSHE_OK;
}

const char *curl_share_strerror(CURLSHcode code)
{
  static const char *const words[] = { "No error", "Unknown share option", "The share is in use", "Not a share handle",
                                       "Out of memory", "Not available in this build" };
  return (unsigned)code < sizeof words / sizeof *words ? words[code] : "Unknown error";
}
