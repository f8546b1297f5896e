-- SPDX-License-Identifier: Apache-2.0
-- HAProxy's action for a Sandbox that is not in the map: waits up to WAIT_MS for it to appear. A client may know that a
-- Sandbox is Ready a moment before the router does. Each thread of HAProxy has its own state of this file.
-- haproxy.cfg sets the variables of the environment.
local MAP_FILE = os.getenv("SANDBOXES_MAP")
local WAIT_MS = tonumber(os.getenv("SANDBOXES_WAIT_MS"))
local STEP_MS = 20
local WAITERS_MAX = 1000 -- requests that wait at a time; further ones get their response at once
local entries = Map.new(MAP_FILE, Map._str)
local waiting = {} -- number of a waiter -> the second in which it has ended in any case
local count, newest, checked = 0, 0, 0

-- HAProxy drops a request whose client has gone in the middle of msleep, so leave is not called for it.
local function remove_dropped(second)
	if second == checked then
		return
	end
	checked = second
	for number, ends in pairs(waiting) do
		if ends < second then
			waiting[number] = nil
			count = count - 1
		end
	end
end

-- nil when too many requests wait: requests for names that do not exist must not use up all connections.
local function enter()
	local second = core.now().sec
	if count >= WAITERS_MAX then
		remove_dropped(second)
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
