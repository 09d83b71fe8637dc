// Endpoints are a service's operations by its OpenAPI document, each with a form.
import { useEffect, useState } from "preact/hooks";
import { html } from "../../html.js";
import { go } from "../../address.js";
import { documentOf, operationsOf } from "../../openapi.js";
import { plural } from "../../text.js";
import { Empty, Failure, Loading } from "../../parts/notice.js";
import { Operation } from "./operation.js";

export function Endpoints({ of, chosen, base, setBase }) {
  const [state, setState] = useState(null);
  const [turn, again] = useState(0);
  useEffect(() => {
    if (!base) return;
    let gone = false;
    setState(null);
    documentOf(base).then((next) => gone || setState(next));
    return () => (gone = true);
  }, [base, turn]);
  if (!base) return html`<${NoBase} setBase=${setBase} />`;
  if (!state) return html`<${Loading} what="the service's OpenAPI document" />`;
  if (!state.doc) return html`<${Failure} title="No endpoints are known" problem=${state.problem} retry=${() => again(turn + 1)} />`;
  const all = operationsOf(state.doc);
  return html`
    <p class="muted">${plural(all.length, "operation")} of ${state.doc.info?.title ?? of.name} ${state.doc.info?.version ?? ""}, at <span class="mono">${base}</span></p>
    <ul class="operations">
      ${all.map((op) => {
        const open = op.id === chosen;
        const href = "/" + ["services", of.name, "endpoints", ...(open ? [] : [op.id])].map(encodeURIComponent).join("/");
        return html`
          <li key=${op.id} class="operation">
            <button type="button" class="operation-head" aria-expanded=${open} onClick=${() => go(href)}>
              <span class="method ${op.method.toLowerCase()}">${op.method}</span><span class="mono operation-path">${op.path}</span><span class="muted operation-summary">${op.summary}</span>
            </button>
            ${open && html`<${Operation} op=${op} doc=${state.doc} base=${base} />`}
          </li>
        `;
      })}
    </ul>
  `;
}

const NoBase = ({ setBase }) => html`
  <${Empty} title="Which address has it?">
    None of its routes is as plain as a host.
    <form class="base" onSubmit=${(e) => { e.preventDefault(); setBase(new FormData(e.target).get("base").replace(/\/$/, "")); }}>
      <input class="mono" name="base" aria-label="Address" type="url" required placeholder="https://shop.localhost" /><button class="button">Look there</button>
    </form>
  <//>
`;
