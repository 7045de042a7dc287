/* curl_absent.c: the functions of libcurl that are there to be linked, and say that what they do is not: see curl.h. */
#include <curl/curl.h>

#define UNUSED1(a) (void)(a)
#define UNUSED2(a, b) (void)(a), (void)(b)
#define UNUSED3(a, b, c) (void)(a), (void)(b), (void)(c)

curl_mime *curl_mime_init(CURL *easy) { return UNUSED1(easy), NULL; }
void curl_mime_free(curl_mime *mime) { UNUSED1(mime); }
curl_mimepart *curl_mime_addpart(curl_mime *mime) { return UNUSED1(mime), NULL; }
CURLcode curl_mime_name(curl_mimepart *p, const char *s) { return UNUSED2(p, s), CURLE_NOT_BUILT_IN; }
CURLcode curl_mime_filename(curl_mimepart *p, const char *s) { return UNUSED2(p, s), CURLE_NOT_BUILT_IN; }
CURLcode curl_mime_type(curl_mimepart *p, const char *s) { return UNUSED2(p, s), CURLE_NOT_BUILT_IN; }
CURLcode curl_mime_encoder(curl_mimepart *p, const char *s) { return UNUSED2(p, s), CURLE_NOT_BUILT_IN; }
CURLcode curl_mime_data(curl_mimepart *p, const char *s, size_t n) { return UNUSED3(p, s, n), CURLE_NOT_BUILT_IN; }
CURLcode curl_mime_filedata(curl_mimepart *p, const char *s) { return UNUSED2(p, s), CURLE_NOT_BUILT_IN; }
CURLcode curl_mime_subparts(curl_mimepart *p, curl_mime *m) { return UNUSED2(p, m), CURLE_NOT_BUILT_IN; }
CURLcode curl_mime_headers(curl_mimepart *p, struct curl_slist *l, int own) { return UNUSED3(p, l, own), CURLE_NOT_BUILT_IN; }

CURLcode curl_mime_data_cb(curl_mimepart *p, curl_off_t n, curl_read_callback r, curl_seek_callback s, curl_free_callback f,
                           void *arg)
{
  UNUSED3(p, n, arg);
  UNUSED3(r, s, f);
  return CURLE_NOT_BUILT_IN;
}

CURLFORMcode curl_formadd(struct curl_httppost **first, struct curl_httppost **last, ...)
{
  return UNUSED2(first, last), CURL_FORMADD_DISABLED;
}

int curl_formget(struct curl_httppost *form, void *arg, curl_formget_callback f) { return UNUSED3(form, arg, f), (int)CURLE_NOT_BUILT_IN; }
void curl_formfree(struct curl_httppost *form) { UNUSED1(form); }

CURLcode curl_easy_ssls_import(CURL *e, const char *key, const unsigned char *a, size_t an, const unsigned char *b, size_t bn)
{
  UNUSED3(e, key, a);
  UNUSED3(an, b, bn);
  return CURLE_NOT_BUILT_IN;
}

CURLcode curl_easy_ssls_export(CURL *e, curl_ssls_export_cb *f, void *arg) { return UNUSED3(e, f, arg), CURLE_NOT_BUILT_IN; }

CURLHcode curl_easy_header(CURL *e, const char *name, size_t i, unsigned int origin, int request, struct curl_header **to)
{
  UNUSED3(e, name, i);
  UNUSED3(origin, request, to);
  return CURLHE_NOT_BUILT_IN;
}

struct curl_header *curl_easy_nextheader(CURL *e, unsigned int origin, int request, struct curl_header *before)
{
  UNUSED2(e, origin);
  return UNUSED2(request, before), NULL;
}

CURLU *curl_url(void) { return NULL; }
void curl_url_cleanup(CURLU *u) { UNUSED1(u); }
CURLU *curl_url_dup(const CURLU *u) { return UNUSED1(u), NULL; }

CURLUcode curl_url_get(const CURLU *u, CURLUPart what, char **part, unsigned int flags)
{
  UNUSED2(u, what);
  return UNUSED2(part, flags), CURLUE_BAD_HANDLE;
}

CURLUcode curl_url_set(CURLU *u, CURLUPart what, const char *part, unsigned int flags)
{
  UNUSED2(u, what);
  return UNUSED2(part, flags), CURLUE_BAD_HANDLE;
}

const char *curl_url_strerror(CURLUcode code)
{
  return !code ? "No error" : code == CURLUE_BAD_HANDLE ? "Not a URL handle: URL handles are not available in this build" : "Unknown error";
}

CURLcode curl_ws_recv(CURL *e, void *buf, size_t n, size_t *got, const struct curl_ws_frame **meta)
{
  UNUSED3(e, buf, n);
  return UNUSED2(got, meta), CURLE_NOT_BUILT_IN;
}

CURLcode curl_ws_send(CURL *e, const void *buf, size_t n, size_t *sent, curl_off_t fragment, unsigned int flags)
{
  UNUSED3(e, buf, n);
  UNUSED3(sent, fragment, flags);
  return CURLE_NOT_BUILT_IN;
}

CURLcode curl_ws_start_frame(CURL *e, unsigned int flags, curl_off_t n) { return UNUSED3(e, flags, n), CURLE_NOT_BUILT_IN; }
const struct curl_ws_frame *curl_ws_meta(CURL *e) { return UNUSED1(e), NULL; }

char *curl_pushheader_bynum(struct curl_pushheaders *h, size_t i) { return UNUSED2(h, i), NULL; }
char *curl_pushheader_byname(struct curl_pushheaders *h, const char *name) { return UNUSED2(h, name), NULL; }
