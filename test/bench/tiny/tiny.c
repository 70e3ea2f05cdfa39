/*
 * The smallest program that a campaign can run: it answers the questions that are asked of a simulation, burns
 * the CPU for a given time and leaves one scalar file for each run. Options: --runs=N, --ms=M; --idle-ms=M waits
 * as well, --bytes=B makes a file of that size as well, --scalars=N records N more scalars (50 bytes each).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static const char *option(int argc, char **argv, const char *name) {
  size_t length = strlen(name);
  for (int i = 1; i < argc; i++) {
    if (strncmp(argv[i], name, length) == 0 && argv[i][length] == '=') return argv[i] + length + 1;
    if (strcmp(argv[i], name) == 0 && i + 1 < argc) return argv[i + 1];
  }
  return NULL;
}

static double cpu_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static void answer(const char *query, int runs) {
  if (strcmp(query, "runs") != 0) return;
  for (int run = 0; run < runs; run++) printf("Run %d: $i=%d, $repetition=0\n", run, run);
}

/* Lines as a vector file has them; they repeat after more than a packer looks back. */
static void fill(const char *name, long long bytes) {
  static char block[8 << 20];
  unsigned event = 0, value = 1;
  double time = 0;
  for (size_t at = 0; at < sizeof block - 64;) {
    value = value * 1664525u + 1013904223u;
    event += 1 + value % 7;
    time += (value >> 8) * 1e-9;
    at += (size_t)sprintf(block + at, "%u\t%u\t%.9f\t%u\n", value >> 30, event, time, value >> 24);
    memset(block + at, '\n', sizeof block - at < 64 ? sizeof block - at : 64);
  }
  FILE *file = fopen(name, "w");
  if (!file) return;
  for (; bytes > 0; bytes -= (long long)sizeof block) fwrite(block, 1, sizeof block, file);
  fclose(file);
}

/* One run, with what Cmdenv prints of it as far as it is needed. */
static int simulate(int run, double ms, long idle_ms, int scalars) {
  double begun = cpu_ms();
  printf("Preparing for running configuration Bench, run #%d...\nAssigned runID=Bench-%d\n", run, run);
  while (ms > 0 && cpu_ms() - begun < ms) {
  }
  struct timespec idle = {idle_ms / 1000, idle_ms % 1000 * 1000000};
  nanosleep(&idle, NULL);
  mkdir("results", 0777);
  char name[200];
  snprintf(name, sizeof name, "results/Bench-i=%d-#0.sca", run);
  FILE *file = fopen(name, "w");
  if (!file) return 0;
  fprintf(file, "version 3\nrun Bench-%d\nscalar Bench square %d\n", run, run * run);
  for (int i = 0; i < scalars; i++) fprintf(file, "scalar Bench.host[%d].app delay:mean %.15g\n", i, (run + 1) / 7.0 + i);
  fclose(file);
  puts("<!> Simulation time limit reached -- at t=1s, event #1\n");
  return 1;
}

int main(int argc, char **argv) {
  const char *query = option(argc, argv, "-q"), *run = option(argc, argv, "-r");
  const char *runs = option(argc, argv, "--runs"), *ms = option(argc, argv, "--ms");
  if (query) {
    answer(query, runs ? atoi(runs) : 1);
    return 0;
  }
  if (argc > 1 && strcmp(argv[1], "-v") == 0) {
    puts("Version: 0.0.0, build: tiny");
    return 0;
  }
  const char *bytes = option(argc, argv, "--bytes"), *idle = option(argc, argv, "--idle-ms"),
             *scalars = option(argc, argv, "--scalars");
  int made = 0;
  for (const char *next = run ? run : "0"; next; made++) {
    const char *comma = strchr(next, ',');
    if (!simulate(atoi(next), ms ? atof(ms) : 0, idle ? atol(idle) : 0, scalars ? atoi(scalars) : 0)) return 1;
    next = comma ? comma + 1 : NULL;
  }
  if (bytes) fill("results/Bench.vec", atoll(bytes));
  if (made > 1) printf("Run statistics: total %d, successful %d\n\n", made, made);
  puts("End.");
  return 0;
}
