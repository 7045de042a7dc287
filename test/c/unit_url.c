/* unit_url.c: tables of URLs that are taken, with their parts, and that are not, with the error. */
#include <stdlib.h>
#include <string.h>
#include "engine/url.h"
#include "support/alloc_fail.h"
#include "support/check.h"

static const struct {
  const char *text, *scheme, *host, *target, *user, *password;
  uint16_t port;
  bool given, ipv6;
} good[] = {
  { "http://h", "http", "h", "/", NULL, NULL, 80, false, false },
  { "HTTPS://Example.COM/A?b#c", "https", "example.com", "/A?b", NULL, NULL, 443, false, false },
  { "http://h?q=/x", "http", "h", "/?q=/x", NULL, NULL, 80, false, false },
  { "http://h#f/@:", "http", "h", "/", NULL, NULL, 80, false, false },
  { "http://h:/", "http", "h", "/", NULL, NULL, 80, false, false },
  { "http://h:443", "http", "h", "/", NULL, NULL, 443, true, false },
  { "http://h:80/", "http", "h", "/", NULL, NULL, 80, true, false },
  { "http://h:0065535/", "http", "h", "/", NULL, NULL, 65535, true, false },
  { "https://h:1/a%20b%00%zz\\|\"<>{}", "https", "h", "/a%20b%00%zz\\|\"<>{}", NULL, NULL, 1, true, false },
  { "http://h//a/../b/./c", "http", "h", "//a/../b/./c", NULL, NULL, 80, false, false },
  { "http://a-b_c.d-1./", "http", "a-b_c.d-1.", "/", NULL, NULL, 80, false, false },
  { "http://127.1:8/", "http", "127.1", "/", NULL, NULL, 8, true, false },
  { "http://0x7f.0.0.1/", "http", "0x7f.0.0.1", "/", NULL, NULL, 80, false, false },
  { "http://u@h/", "http", "h", "/", "u", NULL, 80, false, false },
  { "http://u:@h/", "http", "h", "/", "u", "", 80, false, false },
  { "http://:p@h/", "http", "h", "/", "", "p", 80, false, false },
  { "http://@h/", "http", "h", "/", NULL, NULL, 80, false, false },
  { "http://u%40x%3A:p%2f:q%C3%a9@h:9/@", "http", "h", "/@", "u@x:", "p/:q\xc3\xa9", 9, true, false },
  { "http://[::1]/", "http", "::1", "/", NULL, NULL, 80, false, true },
  { "http://[::]:8080?x", "http", "::", "/?x", NULL, NULL, 8080, true, true },
  { "http://u:p@[FE80::A:0:1]:", "http", "fe80::a:0:1", "/", "u", "p", 80, false, true },
  { "http://[1:2:3:4:5:6:7:8]", "http", "1:2:3:4:5:6:7:8", "/", NULL, NULL, 80, false, true },
  { "http://[1:2:3:4:5:6:7::]", "http", "1:2:3:4:5:6:7::", "/", NULL, NULL, 80, false, true },
  { "http://[::2:3:4:5:6:7:8]", "http", "::2:3:4:5:6:7:8", "/", NULL, NULL, 80, false, true },
  { "http://[::ffff:192.0.2.255]", "http", "::ffff:192.0.2.255", "/", NULL, NULL, 80, false, true },
  { "http://[1:2:3:4:5:6:0.0.0.0]", "http", "1:2:3:4:5:6:0.0.0.0", "/", NULL, NULL, 80, false, true },
  { "file:///etc/a%20b%C3%A9%23%3f#f", "file", "", "/etc/a b\xc3\xa9#?", NULL, NULL, 0, false, false },
  { "FILE://LocalHost/x", "file", "", "/x", NULL, NULL, 0, false, false },
  { "file:///", "file", "", "/", NULL, NULL, 0, false, false },
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
  return !u->scheme && !u->host && !u->target && !u->user && !u->password && !u->port && !u->port_given &&
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
                 u.port_given == good[i].given && u.host_is_ipv6 == good[i].ipv6;
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
    CHECK(rule 9, n > 3);
    sl_url_free(&u);
  }
}

int main(void)
{
  test_good();
  test_bad();
  test_bytes();
  test_long();
  test_memory();
  return check_result();
}
