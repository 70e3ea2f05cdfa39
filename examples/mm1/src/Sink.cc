#include "Sink.h"

namespace mm1 {

Define_Module(Sink);

void Sink::initialize()
{
    lifeTimeSignal = registerSignal("lifeTime");
}

void Sink::handleMessage(cMessage *msg)
{
    emit(lifeTimeSignal, simTime() - msg->getCreationTime());
    delete msg;
}

} // namespace mm1
