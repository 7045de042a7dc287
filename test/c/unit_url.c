/* unit_url.c: tables of URLs that are taken, with their parts, and that are not, with the error; tables of
 * references with what they name, and random ones. */
#include <stdlib.h>
#include <string.h>
#include "engine/url.h"
#include "support/alloc_fail.h"
#include "support/check.h"

static const struct {
  const char *text, *scheme, *host, *target, *user, *password;
  uint16_t port;
  bool ipv6;
} good[] = {
  { "http://h", "http", "h", "/", NULL, NULL, 80, false },
  { "HTTPS://Example.COM/A?b#c", "https", "example.com", "/A?b", NULL, NULL, 443, false },
  { "http://h?q=/x", "http", "h", "/?q=/x", NULL, NULL, 80, false },
  { "http://h#f/@:", "http", "h", "/", NULL, NULL, 80, false },
  { "http://h:/", "http", "h", "/", NULL, NULL, 80, false },
  { "http://h:443", "http", "h", "/", NULL, NULL, 443, false },
  { "http://h:80/", "http", "h", "/", NULL, NULL, 80, false },
  { "http://h:0065535/", "http", "h", "/", NULL, NULL, 65535, false },
  { "https://h:1/a%20b%00%zz\\|\"<>{}", "https", "h", "/a%20b%00%zz\\|\"<>{}", NULL, NULL, 1, false },
  { "http://h//a/../b/./c", "http", "h", "//a/../b/./c", NULL, NULL, 80, false },
  { "http://a-b_c.d-1./", "http", "a-b_c.d-1.", "/", NULL, NULL, 80, false },
  { "http://127.1:8/", "http", "127.1", "/", NULL, NULL, 8, false },
  { "http://0x7f.0.0.1/", "http", "0x7f.0.0.1", "/", NULL, NULL, 80, false },
  { "http://u@h/", "http", "h", "/", "u", NULL, 80, false },
  { "http://u:@h/", "http", "h", "/", "u", "", 80, false },
  { "http://:p@h/", "http", "h", "/", "", "p", 80, false },
  { "http://@h/", "http", "h", "/", NULL, NULL, 80, false },
  { "http://u%40x%3A:p%2f:q%C3%a9@h:9/@", "http", "h", "/@", "u@x:", "p/:q\xc3\xa9", 9, false },
  { "http://[::1]/", "http", "::1", "/", NULL, NULL, 80, true },
  { "http://[::]:8080?x", "http", "::", "/?x", NULL, NULL, 8080, true },
  { "http://u:p@[FE80::A:0:1]:", "http", "fe80::a:0:1", "/", "u", "p", 80, true },
  { "http://[1:2:3:4:5:6:7:8]", "http", "1:2:3:4:5:6:7:8", "/", NULL, NULL, 80, true },
  { "http://[1:2:3:4:5:6:7::]", "http", "1:2:3:4:5:6:7::", "/", NULL, NULL, 80, true },
  { "http://[::2:3:4:5:6:7:8]", "http", "::2:3:4:5:6:7:8", "/", NULL, NULL, 80, true },
  { "http://[::ffff:192.0.2.255]", "http", "::ffff:192.0.2.255", "/", NULL, NULL, 80, true },
  { "http://[1:2:3:4:5:6:0.0.0.0]", "http", "1:2:3:4:5:6:0.0.0.0", "/", NULL, NULL, 80, true },
  { "file:///etc/a%20b%C3%A9%23%3f#f", "file", "", "/etc/a b\xc3\xa9#?", NULL, NULL, 0, false },
  { "FILE://LocalHost/x", "file", "", "/x", NULL, NULL, 0, false },
  { "file:///", "file", "", "/", NULL, NULL, 0, false },
};

static const struct { const char *text; enum sl_url_error error; } bad[] = {
  { "", SL_URL_MALFORMED }, { "h", SL_URL_MALFORMED }, { "localhost:80/", SL_URL_MALFORMED },
  { "http:", SL_URL_MALFORMED }, { "http:/h", SL_URL_MALFORMED }, { "http:h", SL_URL_MALFORMED },
  { "://h", SL_URL_MALFORMED }, { "//h/", SL_URL_MALFORMED }, { "1http://h", SL_URL_MALFORMED },
  { "ht_tp://h", SL_URL_MALFORMED }, { "http#://h", SL_URL_MALFORMED }, { "ftp://h/", SL_URL_SCHEME },
  { "httpx://h/", SL_URL_SCHEME }, { "a+b-c.1://h", SL_URL_SCHEME }, { " http://h/", SL_URL_MALFORMED },
  { "http://h/ ", SL_URL_MALFORMED }, { "http://h/a b", SL_URL_MALFORMED },
  { "http://h/\r\nX: y", SL_URL_MALFORMED }, { "http://h/#\n", SL_URL_MALFORMED },
  { "http://h\t/", SL_URL_MALFORMED }, { "http://h/\x7f", SL_URL_MALFORMED },
  { "http://h/\xc3\xa9", SL_URL_MALFORMED }, { "http://h?\x80", SL_URL_MALFORMED },
  { "http://h\\@x/", SL_URL_MALFORMED }, { "http://h\\/", SL_URL_MALFORMED }, { "http://", SL_URL_HOST },
  { "http:///x", SL_URL_HOST }, { "http://:80/", SL_URL_HOST }, { "http://u@/", SL_URL_HOST },
  { "http://?h", SL_URL_HOST }, { "http://#h", SL_URL_HOST }, { "http://\xc3\xa9/", SL_URL_HOST },
  { "http://a..b/", SL_URL_HOST }, { "http://.a/", SL_URL_HOST }, { "http://./", SL_URL_HOST },
  { "http://a%62c/", SL_URL_HOST }, { "http://a,b/", SL_URL_HOST }, { "http://a]/", SL_URL_HOST },
  { "http://::1/", SL_URL_HOST }, { "http://[::1/", SL_URL_HOST }, { "http://[]/", SL_URL_HOST },
  { "http://[::1]x/", SL_URL_HOST }, { "http://[::1]80/", SL_URL_HOST },
  { "http://[::1%25eth0]/", SL_URL_HOST }, { "http://[:]", SL_URL_HOST }, { "http://[:::]", SL_URL_HOST },
  { "http://[1::2::3]", SL_URL_HOST }, { "http://[1:2:3:4:5:6:7]", SL_URL_HOST },
  { "http://[1:2:3:4:5:6:7:8:9]", SL_URL_HOST }, { "http://[1:2:3:4::5:6:7:8]", SL_URL_HOST },
  { "http://[1:2:]", SL_URL_HOST }, { "http://[:1:2::]", SL_URL_HOST }, { "http://[12345::]", SL_URL_HOST },
  { "http://[g::]", SL_URL_HOST }, { "http://[1.2.3.4]", SL_URL_HOST }, { "http://[::1.2.3]", SL_URL_HOST },
  { "http://[::1.2.3.4.5]", SL_URL_HOST }, { "http://[::1.2.3.256]", SL_URL_HOST },
  { "http://[::01.2.3.4]", SL_URL_HOST }, { "http://[::1.2.3.4:5]", SL_URL_HOST },
  { "http://[::1..3.4]", SL_URL_HOST }, { "http://[1:2:3:4:5:6:7:1.2.3.4]", SL_URL_HOST },
  { "http://[v1.a]", SL_URL_HOST }, { "http://h:0/", SL_URL_PORT }, { "http://h:65536/", SL_URL_PORT },
  { "http://h:+80/", SL_URL_PORT }, { "http://h:-1/", SL_URL_PORT }, { "http://h:80x/", SL_URL_PORT },
  { "http://h:8:8/", SL_URL_PORT }, { "http://h:99999999999999999999999999/", SL_URL_PORT },
  { "http://[::1]:x/", SL_URL_PORT }, { "http://a@b@h/", SL_URL_CREDENTIALS },
  { "http://u%00@h/", SL_URL_CREDENTIALS }, { "http://u:p%00@h/", SL_URL_CREDENTIALS },
  { "http://u%4@h/", SL_URL_CREDENTIALS }, { "http://u%@h/", SL_URL_CREDENTIALS },
  { "http://u:%gg@h/", SL_URL_CREDENTIALS }, { "http://\xc3\xa9@h/", SL_URL_CREDENTIALS },
  { "file://", SL_URL_MALFORMED }, { "file://localhost", SL_URL_MALFORMED }, { "file:/x", SL_URL_MALFORMED },
  { "file://host/x", SL_URL_HOST }, { "file://localhost:80/x", SL_URL_HOST },
  { "file://u@localhost/x", SL_URL_HOST }, { "file://127.0.0.1/x", SL_URL_HOST },
  { "file:///a%00b", SL_URL_MALFORMED }, { "file:///a%0Ab", SL_URL_MALFORMED },
  { "file:///a%7f", SL_URL_MALFORMED }, { "file:///a%2", SL_URL_MALFORMED },
  { "file:///a?b", SL_URL_MALFORMED }, { "file:///\xc3\xa9", SL_URL_MALFORMED },
};

#define RFC "http://a/b/c/d;p?q" /* the base of RFC 3986, 5.4 */

static const struct { const char *base, *ref, *result; } joins[] = {
  /* RFC 3986, 5.4.1 */
  { RFC, "g:h", "g:h" }, { RFC, "g", "http://a/b/c/g" }, { RFC, "./g", "http://a/b/c/g" },
  { RFC, "g/", "http://a/b/c/g/" }, { RFC, "/g", "http://a/g" }, { RFC, "//g", "http://g" },
  { RFC, "?y", "http://a/b/c/d;p?y" }, { RFC, "g?y", "http://a/b/c/g?y" },
  { RFC, "#s", "http://a/b/c/d;p?q#s" }, { RFC, "g#s", "http://a/b/c/g#s" },
  { RFC, "g?y#s", "http://a/b/c/g?y#s" }, { RFC, ";x", "http://a/b/c/;x" },
  { RFC, "g;x", "http://a/b/c/g;x" }, { RFC, "g;x?y#s", "http://a/b/c/g;x?y#s" },
  { RFC, "", "http://a/b/c/d;p?q" }, { RFC, ".", "http://a/b/c/" }, { RFC, "./", "http://a/b/c/" },
  { RFC, "..", "http://a/b/" }, { RFC, "../", "http://a/b/" }, { RFC, "../g", "http://a/b/g" },
  { RFC, "../..", "http://a/" }, { RFC, "../../", "http://a/" }, { RFC, "../../g", "http://a/g" },
  /* 5.4.2 */
  { RFC, "../../../g", "http://a/g" }, { RFC, "../../../../g", "http://a/g" },
  { RFC, "/./g", "http://a/g" }, { RFC, "/../g", "http://a/g" }, { RFC, "g.", "http://a/b/c/g." },
  { RFC, ".g", "http://a/b/c/.g" }, { RFC, "g..", "http://a/b/c/g.." }, { RFC, "..g", "http://a/b/c/..g" },
  { RFC, "./../g", "http://a/b/g" }, { RFC, "./g/.", "http://a/b/c/g/" },
  { RFC, "g/./h", "http://a/b/c/g/h" }, { RFC, "g/../h", "http://a/b/c/h" },
  { RFC, "g;x=1/./y", "http://a/b/c/g;x=1/y" }, { RFC, "g;x=1/../y", "http://a/b/c/y" },
  { RFC, "g?y/./x", "http://a/b/c/g?y/./x" }, { RFC, "g?y/../x", "http://a/b/c/g?y/../x" },
  { RFC, "g#s/./x", "http://a/b/c/g#s/./x" }, { RFC, "g#s/../x", "http://a/b/c/g#s/../x" },
  { RFC, "http:g", "http:g" },
  /* absolute: as they are */
  { RFC, "HTTPS://U:p@H:1/a/../b?c#d", "HTTPS://U:p@H:1/a/../b?c#d" }, { RFC, "ftp://h", "ftp://h" },
  { RFC, "mailto:a@b c", "mailto:a@b%20c" }, { RFC, "a+b-c.1:", "a+b-c.1:" }, { RFC, "h:80/x", "h:80/x" },
  { RFC, "1a:b", "http://a/b/c/1a:b" }, { RFC, ":b", "http://a/b/c/:b" }, { RFC, "a_:b", "http://a/b/c/a_:b" },
  { RFC, "g/h:i", "http://a/b/c/g/h:i" }, { RFC, "?h:i", "http://a/b/c/d;p?h:i" },
  /* an authority */
  { "https://h:1/p?q#f", "//g:2/x/../y?z#w", "https://g:2/y?z#w" }, { RFC, "//g?y", "http://g?y" },
  { RFC, "//g#s", "http://g#s" }, { RFC, "///g", "http:///g" }, { RFC, "//u:p@g/", "http://u:p@g/" },
  { RFC, "//g/./", "http://g/" }, { RFC, "//g/..", "http://g/" }, { RFC, "//..", "http://.." },
  { RFC, "/.//g", "http://a//g" }, { RFC, "/..//g", "http://a//g" }, { RFC, "/\\g", "http://a/\\g" },
  { RFC, "\\\\g", "http://a/b/c/\\\\g" },
  /* a base without path or with an odd one */
  { "http://h", "g", "http://h/g" }, { "http://h", "", "http://h" }, { "http://h", "?y", "http://h?y" },
  { "http://h", "#s", "http://h#s" }, { "http://h", "..", "http://h/" }, { "http://h", "@g", "http://h/@g" },
  { "http://h?q/r", "g", "http://h/g" }, { "http://h?q", "", "http://h?q" }, { "http://h?q", "?", "http://h?" },
  { "http://h/p?q", "#", "http://h/p?q#" }, { "http://h/p#f", "", "http://h/p" },
  { "http://h/p#f?q", "", "http://h/p" }, { "http://h/p?q#f", "?", "http://h/p?" },
  { "http://h/a/../b?q", "", "http://h/a/../b?q" }, { "http://h/a/../b", "?y", "http://h/a/../b?y" },
  { "http://h/a/../b", "c", "http://h/c" }, { "http://h//", "..", "http://h/" },
  { "http://h/a//b", "../c", "http://h/a/c" }, { "http://h/a//b", "../../c", "http://h/c" },
  { "http://h/a/%2e%2E/b", "c/%2e%2e/d", "http://h/a/%2e%2E/c/%2e%2e/d" },
  { "HTTP://H:080", "/", "HTTP://H:080/" }, { "http://[::1]:8/a", "b", "http://[::1]:8/b" },
  { "http://h:/a", "b", "http://h:/b" }, { "http://h/p#\xc3\xa9", "", "http://h/p" },
  /* the credentials of the base */
  { "http://u:p@h:1/a?q#f", "b", "http://h:1/b" }, { "http://u:p@h:1/a?q#f", "", "http://h:1/a?q" },
  { "http://u@h", "?q", "http://h?q" }, { "http://u:p@h/a", "//g/", "http://g/" },
  { "http://@h/@", "#", "http://h/@#" }, { "http://u:p@[::1]/a/@b", "@c", "http://[::1]/a/@c" },
  { "https://u:p@h/", "x:y@z", "x:y@z" }, { "http://h/?a@b", "?c", "http://h/?c" },
  /* what people send */
  { RFC, " \t g \t ", "http://a/b/c/g" }, { RFC, " \t", RFC }, { RFC, "\thttp://x/ ", "http://x/" },
  { RFC, "a b?c d#e f", "http://a/b/c/a%20b?c%20d#e%20f" }, { RFC, "ht tp://x", "http://a/b/c/ht%20tp://x" },
  { RFC, "/\xc3\xa9?\xff#\x80", "http://a/%C3%A9?%FF#%80" },
  { RFC, "a\tb\x01\x1f\x7f", "http://a/b/c/a%09b%01%1F%7F" },
  { RFC, "//h\xc3\xa9/", "http://h%C3%A9/" }, { RFC, "/%zz%%20%", "http://a/%zz%%20%" },
  { RFC, ". /..\x01", "http://a/b/c/.%20/..%01" }, { RFC, "\x0b/", "http://a/b/c/%0B/" },
  /* files */
  { "file:///a/b#f", "c", "file:///a/c" }, { "file:///a/b", "../../..", "file:///" },
  { "FILE://LocalHost/a", "/b", "FILE://LocalHost/b" }, { "file:///a", "//h/b", "file://h/b" },
  { "file:///a", "?q", "file:///a?q" }, { "file:///a", "http://h/", "http://h/" },
  { "file:///a", "/.//b", "file:////b" }, { "http://h/", "file:///a", "file:///a" },
};

/* Parse a copy that ends where the text ends, so that a sanitizer sees a read past it. */
static enum sl_url_error parse(const char *text, size_t n, sl_url *url, const char **why)
{
  char *copy = malloc(n ? n : 1);
  if (!copy) return SL_URL_NOMEM;
  memcpy(copy, text, n);
  enum sl_url_error error = sl_url_parse(copy, n, url, why);
  free(copy);
  return error;
}

static bool is_same(const char *a, const char *b) { return a && b ? !strcmp(a, b) : a == b; }

static bool is_empty(const sl_url *u)
{
  return !u->scheme && !u->host && !u->target && !u->user && !u->password && !u->port &&
         !u->host_is_ipv6;
}

static void test_good(void)
{
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    sl_url u;
    const char *why = NULL;
    bool right = parse(good[i].text, strlen(good[i].text), &u, &why) == SL_URL_OK &&
                 is_same(u.scheme, good[i].scheme) && is_same(u.host, good[i].host) &&
                 is_same(u.target, good[i].target) && is_same(u.user, good[i].user) &&
                 is_same(u.password, good[i].password) && u.port == good[i].port &&
                 u.host_is_ipv6 == good[i].ipv6;
    if (!CHECK(url, right)) fprintf(stderr, "    %s: %s\n", good[i].text, why);
    sl_url_free(&u);
    CHECK(url, is_empty(&u));
  }
}

static void test_bad(void)
{
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    sl_url u;
    const char *why = NULL;
    if (!CHECK_EQ(url, parse(bad[i].text, strlen(bad[i].text), &u, &why), bad[i].error))
      fprintf(stderr, "    %s: %s\n", bad[i].text, why);
    CHECK(url, is_empty(&u) && why && *why);
    sl_url_free(&u);
  }
}

static void test_bytes(void)
{
  sl_url u;
  const char *why;
  CHECK_EQ(url, parse("http://h/\0x", 11, &u, &why), SL_URL_MALFORMED);
  CHECK_EQ(url, parse("http://h\0", 9, &u, &why), SL_URL_MALFORMED);
  /* Only n bytes count. */
  CHECK_EQ(url, sl_url_parse("http://host:8080/x", 11, &u, &why), SL_URL_OK);
  CHECK(url, is_same(u.host, "host") && is_same(u.target, "/") && u.port == 80);
  sl_url_free(&u);
  /* Every byte in host, target and credentials, and every cut of a long one: no crash, no leak. */
  for (int c = 0; c < 256; c++) {
    char text[] = "http://a:b@c.d:1/e?f";
    for (size_t i = 0; i < sizeof text - 1; i++) {
      char kept = text[i];
      text[i] = (char)c;
      enum sl_url_error error = parse(text, sizeof text - 1, &u, &why);
      CHECK(url, error == SL_URL_OK ? c > ' ' && c < 0x7f : is_empty(&u) && *why);
      sl_url_free(&u);
      text[i] = kept;
    }
  }
  static const char whole[] = "https://u%41:p%42@[1:2::3:4.5.6.7]:65535/p?q#f";
  for (size_t n = 0; n < sizeof whole; n++) {
    enum sl_url_error error = parse(whole, n, &u, &why);
    CHECK(url, error == SL_URL_OK ? u.host && u.target : is_empty(&u) && *why);
    sl_url_free(&u);
  }
}

static void test_long(void)
{
  sl_url u;
  const char *why;
  static char text[SL_URL_MAX + 1];
  memset(text, 'a', sizeof text);
  memcpy(text, "http://h/", 9);
  CHECK_EQ(url, parse(text, SL_URL_MAX, &u, &why), SL_URL_OK);
  CHECK_EQ(url, strlen(u.target), SL_URL_MAX - 8);
  sl_url_free(&u);
  CHECK_EQ(url, parse(text, SL_URL_MAX + 1, &u, &why), SL_URL_MALFORMED);
  text[8] = 'a';
  CHECK_EQ(url, parse(text, 7 + 254, &u, &why), SL_URL_OK);
  sl_url_free(&u);
  CHECK_EQ(url, parse(text, 7 + 255, &u, &why), SL_URL_HOST);
}

static void test_memory(void)
{
  static const char *const texts[] = { "http://u:p@h:1/x", "file:///x%20", "https://[::1]" };
  for (int i = 0; i < 3; i++) {
    sl_url u;
    const char *why;
    unsigned n = 1;
    enum sl_url_error error;
    while (alloc_fail_at(n), (error = sl_url_parse(texts[i], strlen(texts[i]), &u, &why)) != SL_URL_OK) {
      CHECK(rule 9, error == SL_URL_NOMEM && alloc_fail_came() && is_empty(&u) && *why);
      if (!CHECK(rule 9, n++ < 100)) break;
    }
    alloc_fail_at(0);
    CHECK(rule 9, n > 2);
    sl_url_free(&u);
  }
}

/* Join copies that end where the texts end. */
static enum sl_url_error join(const char *base, size_t base_len, const char *ref, size_t ref_len, char **out)
{
  char *copies[] = { malloc(base_len ? base_len : 1), malloc(ref_len ? ref_len : 1) };
  enum sl_url_error error = SL_URL_NOMEM;
  if (copies[0] && copies[1]) {
    memcpy(copies[0], base, base_len);
    memcpy(copies[1], ref, ref_len);
    error = sl_url_join(copies[0], base_len, copies[1], ref_len, out);
  }
  free(copies[0]);
  free(copies[1]);
  return error;
}

static void test_joins(void)
{
  for (size_t i = 0; i < sizeof joins / sizeof *joins; i++) {
    const char *base = joins[i].base, *ref = joins[i].ref;
    char *out;
    CHECK_EQ(join, join(base, strlen(base), ref, strlen(ref), &out), SL_URL_OK);
    if (!CHECK(join, is_same(out, joins[i].result)))
      fprintf(stderr, "    <%s> <%s>: <%s>, not <%s>\n", base, ref, out ? out : "", joins[i].result);
    free(out);
  }
}

static void test_join_refusals(void)
{
  static const struct { const char *base; enum sl_url_error error; } bases[] = {
    { "", SL_URL_MALFORMED }, { "h", SL_URL_MALFORMED }, { "/p", SL_URL_MALFORMED },
    { "http:h", SL_URL_MALFORMED },
    { "http://h/\n", SL_URL_MALFORMED }, { "http://h/#\r", SL_URL_MALFORMED },
    { "http://h/\x80", SL_URL_MALFORMED }, { "ftp://h/", SL_URL_SCHEME }, { "http:///", SL_URL_HOST },
    { "http://h:0/", SL_URL_PORT },
    { "http://a@b@c/", SL_URL_CREDENTIALS },
  };
  char *out;
  for (size_t i = 0; i < sizeof bases / sizeof *bases; i++) {
    out = (char *)bases;
    CHECK_EQ(join, join(bases[i].base, strlen(bases[i].base), "http://x/", 9, &out), bases[i].error);
    CHECK(join, !out);
  }
  CHECK(join, sl_url_join(RFC, strlen(RFC), NULL, 0, &out) == SL_URL_OK && is_same(out, RFC));
  free(out);
  /* Only base_len and ref_len bytes count. */
  CHECK(join, sl_url_join("http://hx", 8, "/a\r\n", 2, &out) == SL_URL_OK && is_same(out, "http://h/a"));
  free(out);
  /* Every byte at every place of a reference. */
  static const char *const refs[] = { "xa/b?c#dx", "http://a/b?c#d", "//a:b@c:1/d", "" };
  for (int r = 0; r < 4; r++)
    for (size_t i = 0; i <= strlen(refs[r]); i++)
      for (int c = 0; c < 256; c++) {
        char text[32];
        size_t n = strlen(refs[r]);
        memcpy(text, refs[r], i);
        text[i] = (char)c;
        memcpy(text + i + 1, refs[r] + i, n - i);
        bool line = c == '\r' || c == '\n' || !c;
        CHECK_EQ(join, join(RFC, strlen(RFC), text, n + 1, &out), line ? SL_URL_MALFORMED : SL_URL_OK);
        CHECK(join, line == !out);
        for (const char *p = out; p && *p; p++) CHECK(join, *p > ' ' && *p < 0x7f);
        free(out);
      }
}

static void test_join_long(void)
{
  enum { ROOM = SL_URL_MAX - 9 }; /* behind "http://h/" */
  static char text[SL_URL_MAX + 3], base[SL_URL_MAX];
  char *out;
  memset(text, 'a', sizeof text);
  CHECK_EQ(join, join("http://h/", 9, text, ROOM, &out), SL_URL_OK);
  CHECK(join, out && strlen(out) == SL_URL_MAX);
  free(out);
  CHECK(join, join("http://h/", 9, text, ROOM + 1, &out) == SL_URL_MALFORMED && !out);
  text[0] = ' '; /* dropped */
  CHECK_EQ(join, join("http://h/", 9, text, ROOM + 1, &out), SL_URL_OK);
  free(out);
  text[0] = 'a', text[1] = ' '; /* one byte that becomes three */
  CHECK_EQ(join, join("http://h/", 9, text, ROOM - 2, &out), SL_URL_OK);
  free(out);
  CHECK(join, join("http://h/", 9, text, ROOM - 1, &out) == SL_URL_MALFORMED && !out);
  memset(text, 0xff, sizeof text);
  CHECK(join, join("http://h/", 9, text, SL_URL_MAX, &out) == SL_URL_MALFORMED && !out);
  /* An absolute reference may be as long as a URL. */
  memset(text, 'a', sizeof text);
  memcpy(text, "x:", 2);
  CHECK_EQ(join, join("http://h/", 9, text, SL_URL_MAX, &out), SL_URL_OK);
  free(out);
  CHECK(join, join("http://h/", 9, text, SL_URL_MAX + 1, &out) == SL_URL_MALFORMED && !out);
  /* Only the result counts, not what it was before its dot segments went. */
  memset(base, 'b', sizeof base);
  memcpy(base, "http://h/", 9);
  base[sizeof base - 1] = '/';
  memset(text, 'a', sizeof text);
  memcpy(text + SL_URL_MAX - 7, "/../../", 7);
  CHECK(join, join(base, sizeof base, text, SL_URL_MAX, &out) == SL_URL_OK && is_same(out, "http://h/"));
  free(out);
  for (size_t i = 0; i < SL_URL_MAX; i++) text[i] = "../"[i % 3];
  CHECK(join, join(base, sizeof base, text, SL_URL_MAX - 1, &out) == SL_URL_OK && is_same(out, "http://h/"));
  free(out);
  memset(text, '/', sizeof text); /* "././.": its result is short, itself it is not */
  for (size_t i = 0; i < sizeof text; i += 2) text[i] = '.';
  CHECK(join, join(RFC, strlen(RFC), text, SL_URL_MAX, &out) == SL_URL_OK && is_same(out, "http://a/b/c/"));
  free(out);
  CHECK(join, join(RFC, strlen(RFC), text, SL_URL_MAX + 1, &out) == SL_URL_MALFORMED && !out);
  CHECK(join, join(base, sizeof base, "", 0, &out) == SL_URL_OK && strlen(out) == SL_URL_MAX);
  free(out);
  CHECK(join, join(base, sizeof base, "#", 1, &out) == SL_URL_MALFORMED && !out);
}

/* xorshift: the same references in every run. */
static uint32_t random_below(uint32_t n)
{
  static uint32_t x = 2463534242;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return x % n;
}

/* What is true of every reference: with an http base and neither scheme nor authority it stays at the base. */
static void test_join_random(void)
{
  static const char *const bases[] = { RFC, "http://u:p@h", "http://@h:80/a/../b//?q/@#f",
                                       "https://u@[::1]:8?x#y",
                                       "file:///a/b/c" };
  static const char likely[] = "////....??##::@@%\\ \tahtp[]1+";
  int stayed = 0;
  for (int round = 0; round < 50000; round++) {
    const char *base = bases[random_below(5)], *why;
    char ref[24], *out = NULL;
    size_t n = random_below(sizeof ref + 1), i = 0;
    bool wild = random_below(4) == 0, line = false;
    for (; i < n; i++) {
      ref[i] = wild ? (char)random_below(256) : likely[random_below(sizeof likely - 1)];
      line |= ref[i] == '\r' || ref[i] == '\n' || !ref[i];
    }
    enum sl_url_error error = join(base, strlen(base), ref, n, &out);
    CHECK(join, error == (line ? SL_URL_MALFORMED : SL_URL_OK) && !out == line);
    if (!out) continue;
    size_t scheme = strcspn(out, ":");
    bool stays = !strncmp(out, base, scheme + 3); /* else ref had a scheme: all of it is out */
    for (i = 0; i < n && (ref[i] == ' ' || ref[i] == '\t');) i++;
    stays = stays && !(n - i >= 2 && ref[i] == '/' && ref[i + 1] == '/'); /* or an authority */
    for (const char *p = out; *p; p++) CHECK(join, *p > ' ' && *p < 0x7f);
    if (stays && base[0] == 'h') {
      stayed++;
      sl_url from, to;
      if (CHECK(join, sl_url_parse(base, strlen(base), &from, &why) == SL_URL_OK) &
          CHECK(join, sl_url_parse(out, strlen(out), &to, &why) == SL_URL_OK)) {
        CHECK(join, sl_url_same_origin(&from, &to) && !to.user && !to.password);
        to.target[strcspn(to.target, "?")] = 0;
        bool brings_path = i < n && ref[i] != '?' && ref[i] != '#';
        CHECK(join, !brings_path || (!strstr(to.target, "/../") && !strstr(to.target, "/./")));
      } else {
        fprintf(stderr, "    <%s> <%.*s>: <%s>\n", base, (int)n, ref, out);
      }
      sl_url_free(&from);
      sl_url_free(&to);
    }
    /* What was joined once is absolute: from anywhere it names itself. */
    char *again = NULL;
    CHECK(join, join("https://x/", 10, out, strlen(out), &again) == SL_URL_OK && is_same(out, again));
    free(again);
    free(out);
  }
  CHECK(join, stayed > 20000);
}

#define TEN "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"
#define MANY TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN /* 300 bytes when encoded */

static void test_join_memory(void)
{
  /* The second grows behind what was reserved. */
  static const char *const refs[] = {
    "../x?y", "/" MANY "/../" MANY, "x:" MANY MANY, ""
  };
  for (int i = 0; i < 4; i++) {
    char *out;
    unsigned n = 1;
    enum sl_url_error error;
    while (alloc_fail_at(n),
           (error = sl_url_join("http://u:p@h/", 13, refs[i], strlen(refs[i]), &out)) != SL_URL_OK) {
      CHECK(rule 9, error == SL_URL_NOMEM && alloc_fail_came() && !out);
      if (!CHECK(rule 9, n++ < 100)) break;
    }
    alloc_fail_at(0);
    CHECK(rule 9, n > (i == 1 || i == 2 ? 6 : 5)); /* four strings of sl_url, the text, its growth */
    free(out);
  }
}

static void test_same_origin(void)
{
  static const struct { const char *a, *b; bool same; } pairs[] = {
    { "http://h", "HTTP://u:p@H:80/x?y#z", true }, { "https://h:443", "https://h", true },
    { "http://h", "https://h", false }, { "http://h:443", "https://h", false },
    { "http://h", "http://h:81", false }, { "http://h", "http://g", false },
    { "http://h", "http://h.", false }, { "http://h", "http://hh", false },
    { "http://[::A]", "http://[::a]:80/", true }, { "http://[::1]", "http://[0::1]", false },
    { "file:///a", "FILE://localhost/b", true }, { "file:///a", "http://h/a", false },
  };
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    sl_url a, b;
    const char *why;
    CHECK_EQ(origin, parse(pairs[i].a, strlen(pairs[i].a), &a, &why), SL_URL_OK);
    CHECK_EQ(origin, parse(pairs[i].b, strlen(pairs[i].b), &b, &why), SL_URL_OK);
    bool same = sl_url_same_origin(&a, &b), back = sl_url_same_origin(&b, &a);
    if (!CHECK(origin, same == pairs[i].same && back == same))
      fprintf(stderr, "    %s %s\n", pairs[i].a, pairs[i].b);
    CHECK(origin, sl_url_same_origin(&a, &a));
    sl_url_free(&a);
    sl_url_free(&b);
  }
}

/* A scheme in front of what has none, as libcurl guesses it. */
static void completed(void)
{
  static const struct { const char *text, *scheme, *whole; } cases[] = {
    { "example.com", NULL, "http://example.com" }, { "example.com:80/x?y#z", NULL, "http://example.com:80/x?y#z" },
    { "127.0.0.1:8080/x", NULL, "http://127.0.0.1:8080/x" }, { "localhost:8080", NULL, "http://localhost:8080" },
    { "[::1]:80", NULL, "http://[::1]:80" }, { "//a/b", NULL, "http://a/b" }, { "", NULL, "http://" },
    { "FTP.example.com", NULL, "ftp://FTP.example.com" }, { "me@ftp.example.com/", NULL, "ftp://me@ftp.example.com/" },
    { "a/ftp.b", NULL, "http://a/ftp.b" }, { "ftp", NULL, "http://ftp" }, { "smtp.a", NULL, "smtp://smtp.a" },
    { "http://a/", NULL, "http://a/" }, { "https:/a", NULL, "https:/a" }, { "file:///a", NULL, "file:///a" },
    { "me:pw@a/", NULL, "http://me:pw@a/" }, { "ftp.a", "https", "https://ftp.a" }, { "http://a", "https", "http://a" },
    { "a:", NULL, "http://a:" }, { "?x:/y", NULL, "http://?x:/y" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char *whole = sl_url_complete(cases[i].text, strlen(cases[i].text), cases[i].scheme);
    if (!CHECK(URL, whole && !strcmp(whole, cases[i].whole))) fprintf(stderr, "    %s: %s\n", cases[i].text, whole);
    free(whole);
  }
}

int main(void)
{
  test_good();
  test_bad();
  test_bytes();
  test_long();
  test_memory();
  test_joins();
  test_join_refusals();
  test_join_long();
  test_join_random();
  test_join_memory();
  test_same_origin();
  completed();
  return check_result();
}
