#!/usr/bin/env python3
"""Perfetto's official schema must know all that our traces have.

    perfetto_schema.py FOLDER

Reads each trace in FOLDER with the schema of the `perfetto` package: it has to be parsed, to have no
unknown field, and to be the same bytes when it is written again, but for the order of fields. Its
events have names, tracks and stacks that are known. Exits with 1 at the first difference.
"""

import glob
import os
import sys

from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace

folder = sys.argv[1]
files = sorted(glob.glob(os.path.join(folder, "*.perfetto")))
if not files:
    sys.exit(f"no traces in {folder}")
events = flows = stacks = 0
for file in files:
    data = open(file, "rb").read()
    trace = Trace()
    trace.ParseFromString(data)
    if trace.ByteSize() != len(data):
        sys.exit(f"{file}: {len(data)} bytes, of which the schema knows {trace.ByteSize()}")
    tracks, begun, ended = set(), set(), set()
    names, callstacks = {}, {}
    for packet in trace.packet:
        if packet.HasField("track_descriptor"):
            tracks.add(packet.track_descriptor.uuid)
        sequence = packet.trusted_packet_sequence_id
        for name in packet.interned_data.event_names:
            names[sequence, name.iid] = name.name
        for stack in packet.interned_data.callstacks:
            callstacks[sequence, stack.iid] = list(stack.frame_ids)
        if not packet.HasField("track_event"):
            continue
        event = packet.track_event
        events += 1
        if event.HasField("name_iid") and (sequence, event.name_iid) not in names:
            sys.exit(f"{file}: an event has no name")
        if event.HasField("track_uuid") and event.track_uuid not in tracks:
            sys.exit(f"{file}: an event has no track")
        if event.HasField("callstack_iid"):
            stacks += 1
            if (sequence, event.callstack_iid) not in callstacks:
                sys.exit(f"{file}: an event has no stack")
        begun.update(event.flow_ids)
        ended.update(event.terminating_flow_ids)
    if not ended <= begun and "story" in file:
        sys.exit(f"{file}: arrows from nowhere: {ended - begun}")
    flows += len(ended)
if not flows or not stacks:
    sys.exit(f"{flows} arrows and {stacks} stacks in all")
print(f"perfetto_schema: {len(files)} passed, 0 failed; {events} events, {flows} arrows, {stacks} stacks")
