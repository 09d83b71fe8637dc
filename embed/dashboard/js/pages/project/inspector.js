// Inspector changes the node or the connection that is chosen.
import { useEffect, useRef, useState } from "preact/hooks";
import { html } from "../../html.js";
import { configOf, edgesBetween, nameOf, nodeTypes } from "../../architecture.js";
import { setEdge, setNode, targetsOf } from "../../edit.js";
import { Icon } from "../../parts/icon.js";

export function Inspector({ draft, chosen, faults, act, choose }) {
  const { graph } = draft.state.value;
  const node = graph.nodes.find((item) => item.id === chosen.node);
  const edge = graph.edges.find((item) => item.id === chosen.edge);
  const ref = useRef();
  useEffect(() => {
    // A node that was just added, or chosen in the list, is named first.
    if (document.activeElement !== document.body && !document.activeElement?.closest?.("svg")) ref.current?.querySelector("input, select")?.focus({ preventScroll: true });
  }, []);
  if (!node && !edge) return null;
  const close = (event) => {
    if (event.type === "keydown" && event.key !== "Escape") return;
    event.stopPropagation();
    choose({});
    document.querySelector(`[data-id="${CSS.escape((node ?? edge).id)}"]`)?.focus();
  };
  return html`
    <section class="inspector" ref=${ref} aria-label=${node ? `${node.type} ${nameOf(node)}` : "Connection"} onKeyDown=${close}>
      <header class="inspector-head">
        <h2>${node ? nameOf(node) : "Connection"}</h2>
        <button class="icon-button" aria-label="Close" title="Close (Esc)" onClick=${close}><${Icon} name="close" /></button>
      </header>
      ${node ? html`<${NodeForm} draft=${draft} graph=${graph} node=${node} faults=${faults[node.id] ?? []} act=${act} choose=${choose} />` : html`<${EdgeForm} draft=${draft} graph=${graph} edge=${edge} faults=${faults[edge.id] ?? []} act=${act} choose=${choose} />`}
    </section>
  `;
}

const wrongAt = (faults, field) => faults.filter((fault) => fault.field === field || (field === "name" && fault.field === "id")).map((fault) => fault.detail).join(" ");

// Field is a labelled input with what is wrong with it.
function Field({ id, label, wrong, hint, as = "input", children, ...rest }) {
  const marks = wrong ? { "aria-invalid": "true", "aria-describedby": `${id}-error` } : {};
  return html`
    <div class="field">
      <label for=${id}>${label}</label>
      <${as} id=${id} spellcheck=${false} autocomplete="off" ...${marks} ...${rest}>${children}<//>
      ${wrong && html`<p class="field-error" id="${id}-error">${wrong}</p>`}
      ${hint && html`<p class="muted field-hint">${hint}</p>`}
    </div>
  `;
}

function NodeForm({ draft, graph, node, faults, act, choose }) {
  const set = (change, kind) => draft.change((now) => setNode(now, node.id, change), kind && `${kind}:${node.id}`);
  const program = node.type === "service" || node.type === "logic";
  const others = faults.filter(({ field }) => !["id", "name", "port", "host", "config"].includes(field));
  return html`
    ${others.map(({ detail }) => html`<p class="field-error">${detail}</p>`)}
    <div class="field-pair">
      <${Field} id="node-name" label="Name" value=${node.name ?? ""} placeholder=${node.id} wrong=${wrongAt(faults, "name")} onInput=${(e) => set({ name: e.target.value }, "name")} />
      <${Field} id="node-type" as="select" label="Type" value=${node.type} onChange=${(e) => set({ type: e.target.value })}>
        ${Object.keys(nodeTypes).map((type) => html`<option value=${type} selected=${type === node.type}>${type}</option>`)}
      <//>
    </div>
    <p class="muted field-hint">${nodeTypes[node.type]}.</p>
    ${program && html`
      <div class="field-pair">
        <${Field} id="node-language" as="select" label="Language" value=${node.language ?? ""} onChange=${(e) => set({ language: e.target.value })}>
          ${[["", "NestJS (default)"], ["nestjs", "NestJS"], ["go", "Go"]].map(([value, text]) => html`<option value=${value} selected=${value === (node.language ?? "")}>${text}</option>`)}
        <//>
        <${Field} id="node-port" label="Port" inputmode="numeric" placeholder="any" value=${node.port || ""} wrong=${wrongAt(faults, "port")} onInput=${(e) => set({ port: e.target.value.trim() === "" ? 0 : Number(e.target.value) }, "port")} />
      </div>`}
    ${node.type === "ingress" && html`<${Field} id="node-host" label="Host" placeholder="below the project's own" value=${node.host ?? ""} wrong=${wrongAt(faults, "host")} onInput=${(e) => set({ host: e.target.value }, "host")} />`}
    <${Config} draft=${draft} node=${node} set=${set} wrong=${wrongAt(faults, "config")} />
    <${Connections} graph=${graph} node=${node} act=${act} choose=${choose} />
    <div class="actions"><button class="button danger" onClick=${() => act.remove(node.id)}>Delete node</button></div>
  `;
}

// Config is typed as JSON. Text that is none yet stays until it is.
function Config({ draft, node, set, wrong }) {
  const { position, ...config } = configOf(node);
  const typed = draft.state.value.texts[node.id];
  const text = typed ?? (Object.keys(config).length ? JSON.stringify(config, null, 2) : "");
  const input = (event) => {
    const value = parse(event.target.value);
    draft.write(node.id, value ? null : event.target.value);
    if (value) set({ config: { ...value, ...(position && { position }) } }, "config");
  };
  return html`<${Field} id="node-config" as="textarea" class="mono" rows="3" label="Configuration" placeholder="{}" value=${text} onInput=${input}
    wrong=${typed !== undefined ? "This is not a JSON object." : wrong} />`;
}

function parse(text) {
  try {
    const value = JSON.parse(text.trim() || "{}");
    return value && typeof value === "object" && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

function Connections({ graph, node, act, choose }) {
  const [wanted, want] = useState("");
  const targets = targetsOf(graph, node);
  const target = targets.find(({ value }) => value === wanted) ?? targets[0];
  const name = (id) => nameOf(graph.nodes.find((item) => item.id === id) ?? { id });
  const own = graph.edges.filter((edge) => edge.from === node.id || edge.to === node.id);
  return html`
    <h3 class="section-title" tabindex="-1">Connections</h3>
    ${own.length > 0 && html`
      <ul class="parts-list">
        ${own.map((edge) => html`
          <li key=${edge.id} class="own-edge">
            <button class="part" onClick=${() => choose({ edge: edge.id })}>
              <span class="part-name">${edge.from === node.id ? html`to <b>${name(edge.to)}</b>` : html`from <b>${name(edge.from)}</b>`}</span><span class="muted">${edge.type}</span>
            </button>
            <button class="icon-button" aria-label="Delete the connection with ${name(edge.from === node.id ? edge.to : edge.from)}" title="Delete" onClick=${() => act.removeEdge(edge.id)}><${Icon} name="close" size=${14} /></button>
          </li>`)}
      </ul>`}
    ${targets.length
      ? html`<div class="connect">
          <label for="connect-to">Connect to</label>
          <select id="connect-to" value=${target.value} onChange=${(e) => want(e.target.value)}>${targets.map(({ value, text }) => html`<option key=${value} value=${value}>${text}</option>`)}</select>
          <button class="button" onClick=${() => act.connect(node.id, target.to, target.type)}>Connect</button>
        </div>`
      : html`<p class="muted">${node.type === "database" || node.type === "cache" ? "It is connected from what uses it." : "There is nothing more to connect it to."}</p>`}
  `;
}

function EdgeForm({ draft, graph, edge, faults, act, choose }) {
  const [from, to] = [edge.from, edge.to].map((id) => graph.nodes.find((node) => node.id === id));
  const types = from && to ? edgesBetween(from, to) : [];
  const end = (node, id) => (node ? html`<button class="part-link" onClick=${() => choose({ node: id })}>${nameOf(node)}</button>` : id);
  return html`
    <p class="edge-ends">${end(from, edge.from)} → ${end(to, edge.to)}</p>
    <${Field} id="edge-type" as="select" label="Type" value=${edge.type} wrong=${faults.map(({ detail }) => detail).join(" ")} onChange=${(e) => draft.change((now) => setEdge(now, edge.id, { type: e.target.value }))}>
      ${[...new Set([...types, edge.type])].map((type) => html`<option value=${type} selected=${type === edge.type}>${type}</option>`)}
    <//>
    <div class="actions"><button class="button danger" onClick=${() => (act.removeEdge(edge.id), choose({}))}>Delete connection</button></div>
  `;
}
