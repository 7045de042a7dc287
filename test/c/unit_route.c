/* unit_route.c: CONNECT_TO and RESOLVE: what is understood, and that no entry is read outside its text (ASan watches: each
 * text is in memory of just its size). */
#include <stdlib.h>
#include <string.h>
#include "engine/options.h"
#include "engine/route.h"
#include "support/check.h"

static CURLcode check(int option, const char *text)
{
  struct curl_slist *list = curl_slist_append(NULL, text);
  CURLcode code = sl_route_check(option, list);
  curl_slist_free_all(list);
  return code;
}

static void entries(void)
{
  static const struct { int option; const char *text; CURLcode code; } cases[] = {
    { CURLOPT_CONNECT_TO, "", CURLE_SETOPT_OPTION_SYNTAX }, { CURLOPT_CONNECT_TO, ":", CURLE_SETOPT_OPTION_SYNTAX },
    { CURLOPT_CONNECT_TO, "::", CURLE_SETOPT_OPTION_SYNTAX }, { CURLOPT_CONNECT_TO, ":::", CURLE_OK },
    { CURLOPT_CONNECT_TO, "::::", CURLE_SETOPT_OPTION_SYNTAX }, { CURLOPT_CONNECT_TO, "a", CURLE_SETOPT_OPTION_SYNTAX },
    { CURLOPT_CONNECT_TO, "a:80", CURLE_SETOPT_OPTION_SYNTAX }, { CURLOPT_CONNECT_TO, "a:80:b", CURLE_SETOPT_OPTION_SYNTAX },
    { CURLOPT_CONNECT_TO, "a:80:b:81", CURLE_OK }, { CURLOPT_CONNECT_TO, "::b:", CURLE_OK },
    { CURLOPT_CONNECT_TO, "[::1]:80:[::2]:81", CURLE_OK }, { CURLOPT_CONNECT_TO, "[", CURLE_SETOPT_OPTION_SYNTAX },
    { CURLOPT_CONNECT_TO, "[]", CURLE_SETOPT_OPTION_SYNTAX }, { CURLOPT_CONNECT_TO, "[a]b:1:c:2", CURLE_SETOPT_OPTION_SYNTAX },
    { CURLOPT_CONNECT_TO, "a:0:b:1", CURLE_SETOPT_OPTION_SYNTAX }, { CURLOPT_CONNECT_TO, "a:65536:b:1", CURLE_SETOPT_OPTION_SYNTAX },
    { CURLOPT_CONNECT_TO, "a:1:b c:1", CURLE_SETOPT_OPTION_SYNTAX }, { CURLOPT_CONNECT_TO, "a:1:b\nverify 0:1", CURLE_SETOPT_OPTION_SYNTAX },
    { CURLOPT_RESOLVE, "", CURLE_SETOPT_OPTION_SYNTAX }, { CURLOPT_RESOLVE, ":", CURLE_SETOPT_OPTION_SYNTAX },
    { CURLOPT_RESOLVE, "::", CURLE_SETOPT_OPTION_SYNTAX }, { CURLOPT_RESOLVE, "-", CURLE_SETOPT_OPTION_SYNTAX },
    { CURLOPT_RESOLVE, "+", CURLE_SETOPT_OPTION_SYNTAX }, { CURLOPT_RESOLVE, "-:", CURLE_SETOPT_OPTION_SYNTAX },
    { CURLOPT_RESOLVE, "a", CURLE_SETOPT_OPTION_SYNTAX }, { CURLOPT_RESOLVE, "a:80", CURLE_SETOPT_OPTION_SYNTAX },
    { CURLOPT_RESOLVE, "a:80:", CURLE_SETOPT_OPTION_SYNTAX }, { CURLOPT_RESOLVE, "-a:80", CURLE_OK },
    { CURLOPT_RESOLVE, "-a:80:", CURLE_OK }, { CURLOPT_RESOLVE, "-a:80:1.2.3.4", CURLE_SETOPT_OPTION_SYNTAX },
    { CURLOPT_RESOLVE, "a:80:1.2.3.4", CURLE_OK }, { CURLOPT_RESOLVE, "+a:80:1.2.3.4", CURLE_OK },
    { CURLOPT_RESOLVE, "*:80:::1", CURLE_OK }, { CURLOPT_RESOLVE, "*:80:[::1]", CURLE_OK },
    { CURLOPT_RESOLVE, "*:80:[::1", CURLE_SETOPT_OPTION_SYNTAX }, { CURLOPT_RESOLVE, "*:80:[::1]:", CURLE_SETOPT_OPTION_SYNTAX },
    { CURLOPT_RESOLVE, "*:80:1.2.3.4:5", CURLE_OK }, { CURLOPT_RESOLVE, "a:80:1.2.3.4,5.6.7.8", CURLE_NOT_BUILT_IN },
    { CURLOPT_RESOLVE, "a:80:b", CURLE_OK }, { CURLOPT_RESOLVE, "a:80:host", CURLE_SETOPT_OPTION_SYNTAX },
    { CURLOPT_RESOLVE, "a:80:[", CURLE_SETOPT_OPTION_SYNTAX }, { CURLOPT_RESOLVE, "a b:80:1.2.3.4", CURLE_SETOPT_OPTION_SYNTAX },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (!CHECK_EQ(U7, check(cases[i].option, cases[i].text), cases[i].code)) fprintf(stderr, "    '%s'\n", cases[i].text);
}

static void too_long(void)
{
  char text[1024];
  memset(text, 'a', sizeof text);
  strcpy(text + 254, ":80:b:81");
  CHECK_EQ(U7, check(CURLOPT_CONNECT_TO, text), CURLE_OK);
  memset(text, 'a', sizeof text);
  strcpy(text + 255, ":80:b:81");
  CHECK_EQ(U7, check(CURLOPT_CONNECT_TO, text), CURLE_SETOPT_OPTION_SYNTAX);
  strcpy(text, "a:80:");
  memset(text + 5, '1', 46);
  text[51] = 0;
  CHECK_EQ(U7, check(CURLOPT_RESOLVE, text), CURLE_SETOPT_OPTION_SYNTAX);
  text[50] = 0;
  CHECK_EQ(U7, check(CURLOPT_RESOLVE, text), CURLE_OK);
}

/* What was appended after setopt had looked is looked at as well. */
static void appended(void)
{
  sl_options o;
  sl_route to;
  sl_options_init(&o);
  o.connect_to = curl_slist_append(NULL, "a:80:b:81");
  CHECK_EQ(U7, sl_route_find(o.connect_to, o.resolve, "a", 80, &to), CURLE_OK);
  CHECK(U7, to.changed && to.port == 81 && to.host_n == 1 && *to.host == 'b');
  curl_slist_append(o.connect_to, "");
  CHECK_EQ(U7, sl_route_find(o.connect_to, o.resolve, "a", 80, &to), CURLE_SETOPT_OPTION_SYNTAX);
  curl_slist_free_all(o.connect_to);
  o.connect_to = NULL;
  o.resolve = curl_slist_append(curl_slist_append(NULL, "*:80:1.1.1.1"), "A:80:2.2.2.2");
  CHECK_EQ(U7, sl_route_find(o.connect_to, o.resolve, "a", 80, &to), CURLE_OK);
  CHECK(U7, to.changed && to.port == 80 && !strncmp(to.host, "2.2.2.2", to.host_n));
  curl_slist_append(o.resolve, "a:80:1.1.1.1\nverify 0");
  CHECK_EQ(U7, sl_route_find(o.connect_to, o.resolve, "a", 80, &to), CURLE_SETOPT_OPTION_SYNTAX);
  free(o.resolve->next->data);
  o.resolve->next->data = NULL; /* a list that the program made itself */
  CHECK_EQ(U7, sl_route_find(o.connect_to, o.resolve, "a", 80, &to), CURLE_SETOPT_OPTION_SYNTAX);
  curl_slist_free_all(o.resolve);
  o.resolve = NULL;
  sl_options_clear(&o);
}

int main(void)
{
  entries();
  too_long();
  appended();
  return check_result();
}
