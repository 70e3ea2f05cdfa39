#include "Source.h"

namespace mm1 {

Define_Module(Source);

Source::~Source()
{
    cancelAndDelete(nextArrival);
}

void Source::initialize()
{
    arrivalRate = par("arrivalRate");
    if (arrivalRate <= 0)
        throw cRuntimeError("arrivalRate must be positive, but is %g", arrivalRate);
    nextArrival = new cMessage("nextArrival");
    scheduleAfter(exponential(1 / arrivalRate), nextArrival);
}

void Source::handleMessage(cMessage *msg)
{
    send(new cMessage("job"), "out");
    scheduleAfter(exponential(1 / arrivalRate), msg);
}

} // namespace mm1
