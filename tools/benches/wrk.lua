-- Signed callbacks for wrk, no two alike. Arguments after the address:
--   PATH SIGNATURES TEMPLATE CHANNELS RUN
-- SIGNATURES holds a second since 1970 and then the signatures of it and the seconds after it, a
-- line each. What was measured is printed as one line of JSON.

local number, channels, run, path, address
local head, middle, tail
local first, signatures

local function read(name)
  local file = assert(io.open(name))
  local text = file:read("*a")
  file:close()
  return text
end

function init(args)
  path, channels, run, number = args[1], tonumber(args[4]), args[5], 0
  address = wrk.host .. ":" .. wrk.port
  local template = read(args[3])
  head, middle, tail = template:match("^(.*)@CHANNEL@(.*)@TRACE%-+@(.*)$")
  signatures = {}
  for line in read(args[2]):gmatch("[^\n]+") do
    if first then signatures[#signatures + 1] = line else first = tonumber(line) end
  end
end

function request()
  local second = os.time()
  local signature = signatures[second - first + 1]
  if not signature then error("the signatures are used up") end
  number = number + 1
  local channel = number % channels
  local body = string.format("%s%s%04d%s%s%09d%s", head, run, channel, middle, "LG", number, tail)
  return string.format(
    "POST %s HTTP/1.1\r\nhost: %s\r\ncontent-type: application/json\r\nx-hw-mss-time: %x\r\n" ..
      "x-hw-mss-secret: %s\r\ncontent-length: %d\r\n\r\n%s",
    path, address, second, signature, #body, body)
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    '{"requests":%d,"seconds":%.6f,"p50":%.3f,"p99":%.3f,"max":%.3f,"refused":%d,"broken":%d}',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, latency.max / 1e3, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
