-- Everything that is written to the cache: fills, what was committed, and repairs with their position.
--
-- KEYS[1]   the position's key; its hash tag is that of the others
-- KEYS[2…]  entries' keys
-- ARGV[1]   '' to leave the position alone, 'on' to move it on, 'restart' to set it wherever it is
-- ARGV[2,3] the position that has to be there at least, and the one to move it on to
-- ARGV[4…]  for each entry its text, its lifetime in milliseconds, and Redis's time in milliseconds after which it is
--           refused, 0 for never
--
-- An entry's text begins with its version, 16 digits, and its kind, one more: compared as text, the newer version is
-- the greater one, and of one version a fence is the least.
-- Returns Redis's time in milliseconds; 'applied', or 'known' or 'lost' when nothing was done; and for each entry
-- whether it was kept, 1 or 0.

local RANK_LENGTH = 17

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local kept = {}

if ARGV[1] == 'on' then
  local position = tonumber(redis.call('GET', KEYS[1]))
  if position == nil or position < tonumber(ARGV[2]) then
    return { now, 'lost', kept }
  end
  if position >= tonumber(ARGV[3]) then
    return { now, 'known', kept }
  end
end

for i = 2, #KEYS do
  local text, lifetime, notAfter = ARGV[3 * i - 2], ARGV[3 * i - 1], tonumber(ARGV[3 * i])
  local there = redis.call('GETRANGE', KEYS[i], 0, RANK_LENGTH - 1)
  local isNews = there < string.sub(text, 1, RANK_LENGTH)
  if isNews and (notAfter == 0 or now <= notAfter) then
    redis.call('SET', KEYS[i], text, 'PX', lifetime)
    kept[i - 1] = 1
  else
    kept[i - 1] = 0
  end
end
if ARGV[1] ~= '' then
  redis.call('SET', KEYS[1], ARGV[3])
end
return { now, 'applied', kept }
