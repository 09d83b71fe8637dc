// api calls the dashboard's JSON API. No call throws: an answer is
// {ok, status, body, headers} or {ok: false, status, problem: {title, detail, errors}}.

export const get = (path) => call("GET", path);
export const post = (path, body) => call("POST", path, body);
export const remove = (path) => call("DELETE", path);

let token = ""; // what the server asks of calls that change something

// call is for the other methods, and for headers of one's own.
export async function call(method, path, body, headers) {
  if (method !== "GET" && !token) await learn();
  const answer = await send(method, path, body, headers);
  // The server may have been started anew.
  return answer.status === 403 && method !== "GET" && (await learn()) ? send(method, path, body, headers) : answer;
}

// learn asks for the token, and tells whether it is a new one.
async function learn() {
  const before = token;
  const session = await send("GET", "/api/session");
  if (session.ok) token = session.body.token;
  return token !== before;
}

async function send(method, path, body, more) {
  const headers = { ...more, ...(method !== "GET" && { "X-Axion-Token": token }) };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    return { ok: false, status: 0, problem: { title: "No answer", detail: "The dashboard's server does not answer. Is axion still running?" } };
  }
  const content = await response.json().catch(() => null);
  if (response.ok) return { ok: true, status: response.status, body: content, headers: response.headers };
  const problem = { title: `Error ${response.status}`, detail: response.statusText, ...(content ?? {}) };
  return { ok: false, status: response.status, problem };
}

// fieldErrors splits a problem's errors: by top-level field, and the rest.
export function fieldErrors(problem) {
  const fields = {};
  const rest = [];
  for (const error of problem.errors ?? []) {
    const field = /^\/([^/]+)/.exec(error.pointer ?? "")?.[1];
    if (field) fields[field] = fields[field] ? `${fields[field]}; ${error.detail}` : error.detail;
    else if (error.detail) rest.push(error.detail);
  }
  return { fields, rest };
}
