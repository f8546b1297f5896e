-- SPDX-License-Identifier: Apache-2.0
-- HAProxy's action for a Sandbox that is not in the map: waits for it to appear, up to WAIT_MS. A Sandbox that was made
-- Ready a moment ago may be known to a client before it is known here.
-- MAP_FILE, WAIT_MS and WAITERS_MAX are set in front of this text.
local entries = Map.new(MAP_FILE, Map._str)
local STEP_MS = 20
local waiters = 0

core.register_action("wait_for_sandbox", { "http-req" }, function(txn)
	local key = txn:get_var("txn.key")
	-- Names that nobody has must not hold up everybody's connections.
	if waiters >= WAITERS_MAX then
		return
	end
	waiters = waiters + 1
	local waited = 0
	local address
	repeat
		core.msleep(STEP_MS)
		waited = waited + STEP_MS
		address = entries:lookup(key)
	until address or waited >= WAIT_MS
	waiters = waiters - 1
	if address then
		txn:set_var("txn.address", address)
	end
end, 0)
