#include "Queue.h"

namespace mm1 {

Define_Module(Queue);

Queue::~Queue()
{
    delete inService;
    cancelAndDelete(endOfService);
}

void Queue::initialize()
{
    serviceRate = par("serviceRate");
    endOfService = new cMessage("endOfService");
    waiting.setName("waiting");

    queueLengthSignal = registerSignal("queueLength");
    busySignal = registerSignal("busy");
    waitingTimeSignal = registerSignal("waitingTime");
    emit(queueLengthSignal, 0L);
    emit(busySignal, false);
}

void Queue::handleMessage(cMessage *msg)
{
    if (msg == endOfService) {
        send(inService, "out");
        inService = nullptr;
        if (waiting.isEmpty()) {
            emit(busySignal, false);
        }
        else {
            cMessage *job = check_and_cast<cMessage *>(waiting.pop());
            emit(queueLengthSignal, (long)waiting.getLength());
            startService(job);
        }
    }
    else if (inService == nullptr) {
        startService(msg);
        emit(busySignal, true);
    }
    else {
        waiting.insert(msg);
        emit(queueLengthSignal, (long)waiting.getLength());
    }
}

void Queue::startService(cMessage *job)
{
    inService = job;
    // Checked here and not in initialize(): this is the sample's error in the middle of a run.
    if (serviceRate <= 0)
        throw cRuntimeError("serviceRate must be positive, but is %g", serviceRate);
    emit(waitingTimeSignal, simTime() - job->getArrivalTime());
    scheduleAfter(exponential(1 / serviceRate), endOfService);
}

} // namespace mm1
