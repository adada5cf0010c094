"""Daphne, with what the stock one leaves open.

- `send` waits while a reader's buffer is full. Daphne's never does, so that the server would keep
  everything for a reader who stopped reading.
- A socket offers the application a short way to the wire (`rooms.wire`).
- A frame above the limit is answered with close code 1009, and an application may close with any
  code of the protocol, not 1000 and 3000 to 4999 only.
- A socket whose frames are not dealt with is not read any further: Daphne's queue has no end.
- A socket costs little: all share their options and their ping, and the queue of its frames is made
  when something waits.
- The accept backlog fits a storm of reconnecting browsers.
- Headers and bodies of requests are bounded, with an answer that says so.
- What is under way is finished before the server stops, and sockets are told.
"""
