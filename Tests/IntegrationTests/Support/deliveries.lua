-- For wrk: makes a delivery per request, with the tokens in the file that DELVE_TOKENS names, one
-- to a line. Each thread uses a part of its own. After the last token, it begins with the first
-- again.

local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(arguments)
  local parts = tonumber(os.getenv("DELVE_THREADS") or "1")
  tokens = {}
  local line = 0
  for token in io.lines(os.getenv("DELVE_TOKENS")) do
    if line % parts == number % parts then tokens[#tokens + 1] = token end
    line = line + 1
  end
  position = 0
  wrk.method = "POST"
  wrk.body = "{}"
  wrk.headers["X-Signature"] = "ES512 /api/webhook.key"
end

function request()
  position = position % #tokens + 1
  wrk.headers["Authorization"] = "Signed " .. tokens[position]
  return wrk.format()
end
