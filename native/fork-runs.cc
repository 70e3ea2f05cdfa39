// Loaded into a simulation process (LD_PRELOAD) that was started for one run. When Cmdenv has loaded all libraries, ini
// and NED files, and is about to choose its run, the process copies itself for each of several runs, one after the other.
// Each copy continues as if it had been started for its run alone, so nothing can carry over from one run to another.
//
// In the environment:
//   INET_SWARM_FORKED_RUNS   numbers of the runs, separated by commas
//   INET_SWARM_FORK_REPORT   file that receives, for each run that succeeded, its number, start and end (ms since 1970),
//                            CPU time (ms), and peak memory (kB), separated by blanks
// Both, and this library in LD_PRELOAD, are removed from the environment of the runs. The exit code is 0 if all runs
// succeeded, and else that of the first which did not; the remaining ones are then not executed.
//
// Compiled and used by worker/execute/forking.

#include <dirent.h>
#include <dlfcn.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

// omnetpp::envir::EnvirBase::resolveRunFilter(const char *configName, const char *runFilter), OMNeT++ 5.4 to 6.x. A
// member function is called like a function whose first parameter is the object (Itanium C++ ABI, 3.1.1).
#define RESOLVE_RUN_FILTER "_ZN7omnetpp5envir9EnvirBase16resolveRunFilterEPKcS3_"

typedef std::vector<int> ResolveRunFilter(void *envir, const char *config, const char *filter);

static const char *const RUNS = "INET_SWARM_FORKED_RUNS";
static const char *const REPORT = "INET_SWARM_FORK_REPORT";
static const char *const PRELOAD = "LD_PRELOAD";
/** EX_SOFTWARE of sysexits(3). */
static const int FAILED = 70;

static ResolveRunFilter *original;
/** Numbers of the runs that are still to be started; null if there is nothing to do. */
static char *runs;
static char *report;

[[noreturn]] static void fail(const char *what) {
    fprintf(stderr, "cannot execute several runs in copies of one process: %s\n", what);
    fflush(nullptr);
    _exit(FAILED);
}

static char *take_variable(const char *name) {
    const char *value = getenv(name);
    char *copy = value == nullptr ? nullptr : strdup(value);
    unsetenv(name);
    return copy;
}

/** Removes this library, which is the first, from the list of those to be loaded. */
static void leave_preload() {
    char *libraries = take_variable(PRELOAD);
    const char *others = libraries == nullptr ? nullptr : strchr(libraries, ':');
    if (others != nullptr) setenv(PRELOAD, others + 1, 1);
    free(libraries);
}

/** Does nothing in other programs, such as a shell that will execute the simulation. */
__attribute__((constructor)) static void prepare() {
    original = reinterpret_cast<ResolveRunFilter *>(dlsym(RTLD_NEXT, RESOLVE_RUN_FILTER));
    if (original == nullptr) return;
    runs = take_variable(RUNS);
    report = take_variable(REPORT);
    if (runs != nullptr) leave_preload();
}

static bool has_one_thread() {
    DIR *tasks = opendir("/proc/self/task");
    if (tasks == nullptr) return false;
    int threads = 0;
    while (const dirent *entry = readdir(tasks)) threads += entry->d_name[0] != '.';
    closedir(tasks);
    return threads == 1;
}

static long long milliseconds(const timeval &time) { return time.tv_sec * 1000LL + time.tv_usec / 1000; }

static long long now() {
    timeval time;
    gettimeofday(&time, nullptr);
    return milliseconds(time);
}

static void add_to_report(const char *run, long long begin, const rusage &usage) {
    FILE *file = report == nullptr ? nullptr : fopen(report, "ae");
    if (file == nullptr) fail("its report cannot be written");
    const long long cpu = milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime);
    fprintf(file, "%s %lld %lld %lld %ld\n", run, begin, now(), cpu, usage.ru_maxrss);
    if (fclose(file) != 0) fail("its report cannot be written");
}

/** Waits for a run; ends the process if it failed. */
static void finish(const char *run, pid_t child) {
    const long long begin = now();
    int status;
    rusage usage;
    while (wait4(child, &status, 0, &usage) < 0)
        if (errno != EINTR) fail(strerror(errno));
    if (WIFSIGNALED(status)) _exit(128 + WTERMSIG(status));
    if (WEXITSTATUS(status) != 0) _exit(WEXITSTATUS(status));
    add_to_report(run, begin, usage);
}

/** Executes all runs. Returns only in their copies: the number of the run. */
static const char *execute_runs() {
    if (!has_one_thread()) fail("it has several threads");
    const pid_t parent = getpid();
    char *rest = runs;
    runs = nullptr;
    while (const char *run = strsep(&rest, ",")) {
        fflush(nullptr); // what is buffered would be printed by each copy
        const pid_t child = fork();
        if (child < 0) fail(strerror(errno));
        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (getppid() != parent) _exit(FAILED);
            return run;
        }
        finish(run, child);
    }
    _exit(0);
}

std::vector<int> resolve_run_filter(void *envir, const char *config, const char *filter) asm(RESOLVE_RUN_FILTER);

std::vector<int> resolve_run_filter(void *envir, const char *config, const char *filter) {
    return original(envir, config, runs == nullptr ? filter : execute_runs());
}
