/* scene.h: what the scenes are made of. Each is a program against libcurl's interface, run once with Debian's libcurl and
 * once with Sluice; what it prints is compared line by line.
 *
 * Printed is what a program can see and what does not hang on how the bytes happened to be cut: which callbacks came, runs
 * of one kind as one line with their total, what calls answered, codes and messages. A time is written ~1.50 and compared
 * with half a second's tolerance, like the milliseconds in a message. */
#ifndef SLUICE_DIFFERENTIAL_SCENE_H
#define SLUICE_DIFFERENTIAL_SCENE_H
#include <limits.h>
#include <stdbool.h>
#include <curl/curl.h>
#include "peer.h"

typedef struct {
  const char *name; /* rows of SPEC, then what it shows: "P6 W9 the end while paused" */
  void (*play)(void);
} scene;

extern const scene pause_scenes[], held_scenes[], write_scenes[], upload_scenes[], clock_scenes[], rate_scenes[],
  progress_scenes[], stop_scenes[], callback_scenes[], poll_scenes[], event_scenes[];

/* A line, ended; what ran before it is printed first. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Seconds since the scene began. */
double now(void);
/* Print the time since `since`. */
void say_time(const char *what, double since);
/* The same where the other version's time is chance: whether it was within these bounds. */
void say_within(double since, double least, double most);

/* Whether this libcurl holds a rate at every moment. Older ones look at it now and then, and what comes meanwhile is
 * chance: printed that the scene is not tried. */
bool rates_hold(void);

/* Transfers. */

typedef enum { WRITE, HEADER, READ, PROGRESS, PREREQ, SEEK, KINDS } kind;
typedef struct client client;
/* Called before the callback answers by itself, with what it was given. USUAL, or what is to be answered. */
typedef long hook(client *c, kind k, const char *data, size_t n);
#define USUAL LONG_MIN

struct client {
  CURL *easy;
  const char *name;      /* printed before its lines; "" while there is only one                   */
  hook *hook;
  bool shows_progress;   /* progress calls are printed; they are counted in any case               */
  bool quiet;            /* writes and reads are not printed: how much comes at a time is chance   */
  bool text;             /* what is written is not the server's pattern                            */
  bool damaged;          /* something came that was not the next byte                              */
  bool odd_size;         /* a size argument was not 1, a body call was above CURL_MAX_WRITE_SIZE   */
  int count;             /* the hook's own                                                         */
  size_t written, lines; /* accepted                                                               */
  size_t upload, read;   /* to be supplied; supplied                                               */
  struct curl_slist *fields;
  unsigned calls[KINDS];
  curl_off_t down, up;   /* as the latest progress call said                                       */
  char error[CURL_ERROR_SIZE];
};

/* A transfer with this path on the peer, all callbacks printed. It has a time limit of 20 s, so that none hangs. */
client *client_new(const char *path);
void client_free(client *c);
void client_path(client *c, const char *path);
void client_port(client *c, int port, const char *path);
/* Upload the peer's pattern: n bytes announced, or not (chunked); without asking for 100 Continue. */
void client_upload(client *c, size_t n, bool announced);
/* One field of the request. */
void client_field(client *c, const char *field);
/* NOPROGRESS off. */
void client_progress(client *c, bool shown);
/* curl_easy_pause, printed. */
CURLcode client_pause(client *c, int mask);
/* curl_easy_perform, printed with what came. */
CURLcode client_perform(client *c);
/* Print what it has received. */
void client_total(const client *c);
/* Print "what -> code" with the message, when there is one. */
void say_code(const client *c, const char *what, CURLcode code);
long client_long(const client *c, CURLINFO info);

/* Multis. */

CURLM *multi_new(void);
void multi_add(CURLM *multi, client *c);
void multi_remove(CURLM *multi, client *c);
/* perform, and poll at most ms. Answers how many are running. */
int multi_turn(CURLM *multi, int ms);
/* Turns for so many seconds; prints the running ones at the end. */
void multi_go(CURLM *multi, double seconds);
/* Turns until this is true, at most 20 s. */
void multi_until(CURLM *multi, client *c, bool (*what)(const client *c));
/* Turns until none is running, then the messages. */
void multi_finish(CURLM *multi);
/* Print the messages that wait. */
void multi_messages(CURLM *multi);
void multi_cleanup(CURLM *multi);
/* Print "what -> code". */
void say_multi(const char *what, CURLMcode code);

/* Event driven: a multi with socket and timer callbacks, whose calls are printed when `shown`. */

typedef struct {
  CURLM *multi;
  bool shows_sockets, shows_timer;
  int socket_answer, timer_answer;
  CURL *pause_in_socket, *pause_in_timer; /* curl_easy_pause is tried there */
  unsigned turns;                         /* calls of curl_multi_socket_action */
  int running;
  int fds[64], what[64], count;
  double due; /* of the timer, -1 = none */
} events;

events *events_new(void);
/* Waits for sockets and the timer for so many seconds, or until none is running. */
void events_go(events *e, double seconds);
void events_finish(events *e);
/* curl_multi_socket_action. */
CURLMcode events_action(events *e, curl_socket_t fd, int mask);
void events_free(events *e);

#endif
