// A model's library, which does something before the runs begin, as the constructor of a global object may.

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <random>
#include <string>
#include <thread>

/** @param config decides what it does: nothing for most. */
void prepare_model(const std::string &config) {
    char folder[] = "folder-XXXXXX";
    if (config == "Threads") std::thread([] { pause(); }).detach();
    if (config == "OpenFile") open("/dev/null", O_RDONLY);
    if (config == "SharedMemory") mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (config == "Random") printf("%u\n", std::random_device{}());
    if (config == "Clock") printf("%ld\n", static_cast<long>(std::chrono::system_clock::now().time_since_epoch().count()));
    if (config == "Stopwatch") printf("%ld\n", static_cast<long>(std::chrono::steady_clock::now().time_since_epoch().count()));
    if (config == "Device") std::ifstream("/dev/urandom").get();
    if (config == "Seconds") printf("%ld\n", static_cast<long>(time(nullptr)));
    if (config == "Process") printf("%d\n", getpid());
    if (config == "Folder") mkdtemp(folder);
    if (config == "Stream") std::ofstream("log.txt") << "begun\n";
    if (config == "Harmless") {
        std::string line;
        std::getline(std::ifstream("/dev/null"), line);
        srand(1);
        printf("%d\n", rand());
    }
}
