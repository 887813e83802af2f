-- Asks the gateway about a request and does what it says. Nothing passes that it has not let pass: whatever fails is 503.
local gateway = os.getenv('SALLYPORT_GATEWAY')
local identity = {
  'x-gateway-assertion', 'x-gateway-signature', 'x-user-id', 'x-user-email', 'x-roles', 'x-permissions', 'x-request-id',
}

-- Of one connection, of the body that is not sent, or written below.
local left_out = {
  ['connection'] = true, ['keep-alive'] = true, ['te'] = true, ['trailer'] = true, ['upgrade'] = true,
  ['proxy-connection'] = true, ['transfer-encoding'] = true, ['content-length'] = true, ['expect'] = true,
}

local function refuse(txn, status, headers, body)
  local reply = txn:reply()
  reply:set_status(status)
  for name, values in pairs(headers) do
    if not left_out[name] then
      for _, value in pairs(values) do reply:add_header(name, value) end
    end
  end
  reply:set_body(body)
  txn:done(reply)
end

-- The values of a header of HAProxy's in their order; its lists begin at 0.
local function values_of(list)
  local values = {}
  local at = 0
  while list[at] ~= nil do
    values[#values + 1] = list[at]
    at = at + 1
  end
  return values
end

core.register_action('forward_auth', { 'http-req' }, function(txn)
  local headers = {}
  for name, list in pairs(txn.http:req_get_headers()) do
    if not left_out[name] then headers[name] = values_of(list) end
  end
  headers['x-original-method'] = { txn.sf:method() }
  -- As the client sent it.
  headers['x-original-uri'] = { txn.sf:pathq() }
  headers['x-forwarded-for'] = { txn.sf:src() }

  local answer = core.httpclient():get({ url = gateway .. '/forward-auth', headers = headers, timeout = 5000 })
  if answer == nil or answer.status == nil or answer.status < 200 then
    return refuse(txn, 503, {}, '')
  end
  if answer.status ~= 200 or answer.headers['x-gateway-target'] == nil then
    local status = answer.status
    if status < 400 then status = 503 end
    return refuse(txn, status, answer.headers, answer.body or '')
  end
  for _, name in ipairs(identity) do
    txn.http:req_del_header(name)
    local list = answer.headers[name]
    if list ~= nil then txn.http:req_set_header(name, list[0]) end
  end
  -- The target as the gateway signed it, its prefix cut off.
  txn.http:req_set_uri(answer.headers['x-gateway-target'][0])
end, 0)
