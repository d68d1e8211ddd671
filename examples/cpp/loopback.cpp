// Sends notes from one virtual port of RtMidi to another, and checks what arrives.
#include <rtmidi/RtMidi.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

using Message = std::vector<unsigned char>;

// Opens the first port whose name contains `name`; returns whether there is one.
static bool open(RtMidiIn &in, const std::string &name)
{
    for (unsigned port = 0; port < in.getPortCount(); port++) {
        if (in.getPortName(port).find(name) != std::string::npos) {
            in.openPort(port);
            return true;
        }
    }
    return false;
}

int main()
{
    RtMidiOut out(RtMidi::LINUX_ALSA, "Sender");
    out.openVirtualPort("notes");
    RtMidiIn in(RtMidi::LINUX_ALSA, "Receiver");
    if (!open(in, "Sender:notes")) {
        std::fprintf(stderr, "there is no port Sender:notes\n");
        return 1;
    }

    const std::vector<Message> sent = {{0x90, 60, 100}, {0xB0, 7, 90}, {0x80, 60, 0}};
    for (const Message &message : sent)
        out.sendMessage(&message);

    std::vector<Message> received;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (received.size() < sent.size() && std::chrono::steady_clock::now() < deadline) {
        Message message;
        in.getMessage(&message);
        if (message.empty())
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        else
            received.push_back(message);
    }
    std::printf("%zu of %zu messages arrived\n", received.size(), sent.size());
    return received == sent ? 0 : 1;
}
