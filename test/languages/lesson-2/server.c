/* The server of lesson 2 in C, with nothing but the C library: a thread for each connection.
   cc -O2 -pthread -o server server.c -lm */
#include <arpa/inet.h>
#include <ctype.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static long quiet_interval;

static void send_all(int client, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t sent = write(client, bytes, length);
    if (sent <= 0) return; /* the client has gone */
    bytes += sent;
    length -= (size_t)sent;
  }
}

static void send_text(int client, const char *text) { send_all(client, text, strlen(text)); }

static void answer(int client, const char *status, const char *type, const char *body) {
  char head[256];
  snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
           status, type, strlen(body));
  send_text(client, head);
  send_text(client, body);
}

static void send_chunk(int client, const char *text) {
  size_t length = strlen(text);
  char *chunk = malloc(length + 32);
  int size = sprintf(chunk, "%zx\r\n%s\r\n", length, text);
  send_all(client, chunk, (size_t)size); /* in one piece */
  free(chunk);
}

/* Sends one event, with a field data for each line. */
static void send_event(int client, const char *name, const char *data) {
  char *text = malloc(strlen(data) * 8 + 128);
  char *end = text + sprintf(text, "event: %s\ndata: ", name);
  for (; *data; data++) {
    if (*data == '\r' && data[1] == '\n') continue;
    if (*data == '\r' || *data == '\n') end += sprintf(end, "\ndata: ");
    else *end++ = *data;
  }
  strcpy(end, "\n\n");
  send_chunk(client, text);
  free(text);
}

/* A piece of work, on a connection of its own; docs/any-language.md says what goes over it. Sends a comment to the client
   each time that the quiet interval is over. */
static void work(int client, const char *label) {
  const char *address = getenv("WORK_CLOCK");
  int clock = -1;
  if (address) {
    struct sockaddr_in grader = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(strchr(address, ':') + 1))};
    grader.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    clock = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(clock, (struct sockaddr *)&grader, sizeof grader) != 0) exit(2);
    char line[1024];
    snprintf(line, sizeof line, "{\"call\":1,\"work\":\"%s\"}\n", label);
    send_text(clock, line);
  }
  struct pollfd done = {.fd = clock, .events = POLLIN};
  long left = 1000; /* of a second of work by hand */
  for (;;) {
    long wait = !address && left < quiet_interval ? left : quiet_interval;
    if (poll(&done, 1, (int)wait) > 0) break;
    left -= wait;
    if (!address && left <= 0) break;
    send_chunk(client, ": still at work\n\n");
  }
  if (clock >= 0) close(clock);
}

/* The shortest text that is this number; a whole number gets one decimal. */
static void decimal(double value, char *text) {
  if (value == floor(value) && fabs(value) < 1e21) {
    sprintf(text, "%.1f", value == 0 ? 0.0 : value);
    return;
  }
  for (int digits = 1; digits <= 17; digits++) {
    sprintf(text, "%.*g", digits, value);
    if (strtod(text, NULL) == value) break;
  }
  /* As JavaScript writes it: 1e-7, 0.00001 and Infinity. */
  char *power = strchr(text, 'e');
  if (isinf(value)) strcpy(text, value < 0 ? "-Infinity" : "Infinity");
  else if (isnan(value)) strcpy(text, "NaN");
  else if (power && atoi(power + 1) > -7 && atoi(power + 1) < 0) {
    int digits = 0;
    for (char *at = text; at < power; at++) digits += isdigit((unsigned char)*at) != 0;
    sprintf(text, "%.*f", digits - 1 - atoi(power + 1), value);
  }
  else if (power) sprintf(power + 2, "%d", abs(atoi(power + 1)));
}

static void decode(char *text) {
  char *to = text;
  for (; *text; text++) {
    unsigned byte;
    if (*text == '+') *to++ = ' ';
    else if (*text == '%' && sscanf(text + 1, "%2x", &byte) == 1) *to++ = (char)byte, text += 2;
    else *to++ = *text;
  }
  *to = '\0';
}

/* The value of a parameter; NULL when it is missing. *count says how often it is there. */
static char *parameter(const char *query, const char *name, int *count) {
  char *found = NULL, *rest, *copy = strdup(query);
  *count = 0;
  for (char *part = strtok_r(copy, "&", &rest); part; part = strtok_r(NULL, "&", &rest)) {
    char *value = strchr(part, '=');
    if (value) *value++ = '\0';
    decode(part);
    if (strcmp(part, name) != 0) continue;
    ++*count;
    free(found);
    found = strdup(value ? value : "");
    decode(found);
  }
  free(copy);
  return found;
}

static int number(const char *text, int count, double *value) {
  if (count != 1 || strpbrk(text, "xXnNiI") || *text == '\0') return 0;
  char *end;
  *value = strtod(text, &end);
  if (end == text) return 0;
  while (isspace((unsigned char)*end)) end++;
  return *end == '\0' && isfinite(*value);
}

static void refuse(int client, const char *name, const char *error) {
  char body[160];
  snprintf(body, sizeof body, "{\"parameter\":\"%s\",\"error\":\"%s\"}", name, error);
  answer(client, "400 Bad Request", "application/json", body);
}

static void calculate(int client, const char *query) {
  int a_count, b_count, op_count, note_count;
  char *a_text = parameter(query, "a", &a_count), *b_text = parameter(query, "b", &b_count);
  char *op = parameter(query, "op", &op_count), *note = parameter(query, "note", &note_count);
  double a, b;
  int known = op_count == 1 && (!strcmp(op, "add") || !strcmp(op, "sub") || !strcmp(op, "mul") || !strcmp(op, "div"));
  if (!number(a_text, a_count, &a)) refuse(client, "a", "a must be one number");
  else if (!number(b_text, b_count, &b)) refuse(client, "b", "b must be one number");
  else if (!known) refuse(client, "op", "op must be add, sub, mul or div");
  else if (note_count > 1) refuse(client, "note", "there may be only one note");
  else {
    char left[400], right[400], text[900];
    decimal(a, left);
    decimal(b, right);
    send_text(client, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache, no-transform\r\n"
                      "X-Accel-Buffering: no\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
    snprintf(text, sizeof text, "Calculating: %s %s %s", left, op, right);
    send_event(client, "info", text);
    if (note && *note) send_event(client, "note", note);
    work(client, text);
    if (op[0] == 'd' && b == 0) {
      send_event(client, "error", "division by zero");
    } else {
      decimal(op[0] == 'a' ? a + b : op[0] == 's' ? a - b : op[0] == 'm' ? a * b : a / b, text);
      send_event(client, "result", text);
    }
    send_text(client, "0\r\n\r\n");
  }
  free(a_text), free(b_text), free(op), free(note);
}

static void *serve(void *argument) {
  int client = (int)(long)argument;
  char request[65536];
  size_t length = 0;
  while (length < sizeof request - 1) {
    ssize_t got = read(client, request + length, sizeof request - 1 - length);
    if (got <= 0) break;
    length += (size_t)got;
    request[length] = '\0';
    if (strstr(request, "\r\n\r\n")) break;
  }
  request[length] = '\0';
  char *path = strncmp(request, "GET ", 4) == 0 ? request + 4 : NULL;
  if (path) path[strcspn(path, " \r\n")] = '\0';
  char *query = path ? strchr(path, '?') : NULL;
  if (query) *query++ = '\0';
  if (path && !strcmp(path, "/calculate")) calculate(client, query ? query : "");
  else if (path && !strcmp(path, "/ping")) answer(client, "200 OK", "text/plain; charset=utf-8", "pong");
  else answer(client, "404 Not Found", "text/plain; charset=utf-8", "not found");
  shutdown(client, SHUT_WR);
  while (read(client, request, sizeof request) > 0) {}
  close(client);
  return NULL;
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  const char *port = getenv("PORT"), *interval = getenv("QUIET_INTERVAL");
  quiet_interval = interval ? atol(interval) : 15000;
  int server = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
  setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)(port ? atoi(port) : 3000))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(server, (struct sockaddr *)&address, sizeof address) != 0 || listen(server, 64) != 0) {
    perror("server: cannot listen");
    return 1;
  }
  for (;;) {
    int client = accept(server, NULL, NULL);
    pthread_t thread;
    if (client < 0) continue;
    if (pthread_create(&thread, NULL, serve, (void *)(long)client) == 0) pthread_detach(thread);
    else close(client);
  }
}
