-- Sends the same request, or some in turn, and ends with one line of JSON.
--   wrk ... URL -- METHOD PATH [FILE]      FILE has one JSON body a line

local requests, turn = {}, 0

function init(args)
  local method, path, file = args[1], args[2], args[3]
  if file then
    wrk.headers["Content-Type"] = "application/json"
    for body in io.lines(file) do
      requests[#requests + 1] = wrk.format(method, path, nil, body)
    end
  else
    requests[1] = wrk.format(method, path)
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "micros": %d, "p50": %d, "p99": %d, "longest": %d, ' ..
    '"refused": %d, "broken": %d, "timed_out": %d, "failed": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
    errors.connect, errors.read + errors.write, errors.timeout, errors.status))
end
