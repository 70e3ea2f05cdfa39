#include "envir.h"

#include <cstdlib>

namespace omnetpp::envir {

std::vector<int> EnvirBase::resolveRunFilter(const char *, const char *runFilter) {
    std::vector<int> numbers;
    for (char *rest = const_cast<char *>(runFilter); *rest != '\0'; rest += *rest == ',')
        numbers.push_back(static_cast<int>(strtol(rest, &rest, 10)));
    return numbers;
}

}  // namespace omnetpp::envir
