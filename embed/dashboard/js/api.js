// api calls the dashboard's JSON API. No call throws: an answer is
// {ok, status, body} or {ok: false, status, problem: {title, detail, errors}}.

export const get = (path) => call("GET", path);
export const post = (path, body) => call("POST", path, body);
export const remove = (path) => call("DELETE", path);

async function call(method, path, body) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    return { ok: false, status: 0, problem: { title: "No answer", detail: "The dashboard's server does not answer. Is axion still running?" } };
  }
  const content = await response.json().catch(() => null);
  if (response.ok) return { ok: true, status: response.status, body: content };
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
