-- SPDX-License-Identifier: Apache-2.0
-- HAProxy's action for a Sandbox that is not in the map: waits for it to appear, up to WAIT_MS. A Sandbox that was made
-- Ready a moment ago may be known to a client before it is known here.
-- MAP_FILE, WAIT_MS and WAITERS_MAX are set in front of this text; each thread of HAProxy has a state of its own.
local entries = Map.new(MAP_FILE, Map._str)
local STEP_MS = 20
local waiting = {} -- number of a waiter -> second in which it has gone in any case
local count, newest, swept = 0, 0, 0

-- A request whose client has gone is dropped in the middle of msleep: nobody calls leave for it.
local function sweep(second)
	if second == swept then
		return
	end
	swept = second
	for number, ends in pairs(waiting) do
		if ends < second then
			waiting[number] = nil
			count = count - 1
		end
	end
end

-- Names that nobody has must not hold up everybody's connections: nil when too many wait.
local function enter()
	local second = core.now().sec
	if count >= WAITERS_MAX then
		sweep(second)
	end
	if count >= WAITERS_MAX then
		return nil
	end
	newest = newest + 1
	count = count + 1
	waiting[newest] = second + WAIT_MS // 1000 + 2
	return newest
end

local function leave(number)
	if waiting[number] then
		waiting[number] = nil
		count = count - 1
	end
end

core.register_action("wait_for_sandbox", { "http-req" }, function(txn)
	local key = txn:get_var("txn.key")
	local number = enter()
	local waited, address = 0, nil
	while number and not address and waited < WAIT_MS do
		core.msleep(STEP_MS)
		waited = waited + STEP_MS
		address = entries:lookup(key)
	end
	if number then
		leave(number)
	end
	if address then
		txn:set_var("txn.address", address)
	end
end, 0)
