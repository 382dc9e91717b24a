-- Sends the same request, or some in turn, and ends with one line of JSON.
--   wrk ... URL -- METHOD PATH [FILE]      FILE has one JSON body a line, after a path of its own if that differs

local requests, turn = {}, 0

function init(args)
  local method, path, file = args[1], args[2], args[3]
  if file then
    wrk.headers["Content-Type"] = "application/json"
    for line in io.lines(file) do
      local own, body = line:match("^(/%S+) (.*)$")
      requests[#requests + 1] = wrk.format(method, own or path, nil, body or line)
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
