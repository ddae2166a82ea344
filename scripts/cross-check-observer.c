/*
 * The other program of scripts/cross-check.mjs: reads lines "moment pid" from a pipe without ever
 * sleeping, on a processor of its own, and stamps each with the clock that the kernel gives to all.
 *
 *   observer PIPE CPU [ENERGY_FILE]
 *
 * Prints "ready", and after the line "stop" for each line read: moment, pid, nanoseconds, and for
 * "begin" and "end" the run time of all threads of that process (ns) and the energy counter (µJ),
 * -1 where there is none.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct seen {
  char moment[16];
  long pid;
  long long ns, cpu_ns, energy_uj;
};

static long long now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static long long read_number(const char *path) {
  char text[64];
  const int file = open(path, O_RDONLY);
  if (file < 0) return -1;
  const ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  if (length <= 0) return -1;
  text[length] = 0;
  return atoll(text);
}

/* Run time of all threads by the scheduler's own account; -1 if it keeps none. */
static long long cpu_ns(long pid) {
  char path[128];
  snprintf(path, sizeof path, "/proc/%ld/task", pid);
  DIR *tasks = opendir(path);
  if (tasks == NULL) return -1;
  long long total = 0;
  for (struct dirent *entry; (entry = readdir(tasks)) != NULL;) {
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "/proc/%ld/task/%.20s/schedstat", pid, entry->d_name);
    const long long one = read_number(path);
    /* A thread that has ended in between has no file any more. */
    if (one >= 0) total += one;
  }
  closedir(tasks);
  return total > 0 ? total : -1;
}

int main(int argc, char **argv) {
  enum { MOST = 200000 };
  if (argc < 3) return 2;
  /* Open for writing as well, so that the pipe does not end between two writers. */
  const int pipe = open(argv[1], O_RDWR | O_NONBLOCK);
  struct seen *all = calloc(MOST, sizeof *all);
  if (pipe < 0 || all == NULL) return 3;
  cpu_set_t own;
  CPU_ZERO(&own);
  CPU_SET(atoi(argv[2]), &own);
  if (sched_setaffinity(0, sizeof own, &own) != 0) return 4;
  puts("ready");
  fflush(stdout);
  char text[65536];
  size_t kept = 0;
  for (size_t count = 0; count < MOST;) {
    const ssize_t length = read(pipe, text + kept, sizeof text - kept);
    if (length <= 0) continue;
    const long long ns = now_ns();
    kept += (size_t)length;
    char *line = text;
    for (char *end; (end = memchr(line, '\n', kept - (size_t)(line - text))) != NULL;
         line = end + 1) {
      *end = 0;
      struct seen *one = &all[count++];
      one->ns = ns;
      one->cpu_ns = one->energy_uj = -1;
      if (sscanf(line, "%15s %ld", one->moment, &one->pid) < 1) return 5;
      if (strcmp(one->moment, "begin") == 0 || strcmp(one->moment, "end") == 0) {
        one->cpu_ns = cpu_ns(one->pid);
        if (argc > 3) one->energy_uj = read_number(argv[3]);
      }
      if (strcmp(one->moment, "stop") == 0) {
        for (size_t i = 0; i + 1 < count; ++i) {
          printf("%s %ld %lld %lld %lld\n", all[i].moment, all[i].pid, all[i].ns, all[i].cpu_ns,
                 all[i].energy_uj);
        }
        return 0;
      }
      if (count == MOST) return 6;
    }
    kept -= (size_t)(line - text);
    memmove(text, line, kept);
  }
  return 6;
}
