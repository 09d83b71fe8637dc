// Certificates are what clients are shown, and the authority that issues the local ones.
import { html } from "../../html.js";
import { go, hrefTo } from "../../address.js";
import { useFetch } from "../../fetch.js";
import { routes } from "../../state.js";
import { exact, plural } from "../../text.js";
import { Copyable } from "../../parts/copy.js";
import { filterText } from "../../parts/filter.js";
import { Empty, Failure, Loading } from "../../parts/notice.js";
import { Detail, DetailList } from "../../parts/split.js";
import { Status } from "../../parts/status.js";
import { Header } from "./header.js";

const useCertificates = () => useFetch("/api/certificates", { reloadKey: routes.value, every: 5000 });

const sources = { file: "your file", acme: "ACME", local: "local authority" };
const soon = 14 * 86_400_000;

// Validity is whether a certificate can be used now.
function Validity({ of }) {
  if (!of.issued) return html`<${Status} of="none" word=${of.source === "local" ? "at first use" : "pending"} />`;
  const left = Date.parse(of.notAfter) - Date.now();
  if (left < 0) return html`<${Status} of="error" word="expired" />`;
  return html`<${Status} of=${left < soon && of.source === "file" ? "warning" : "UP"} word=${`${plural(Math.floor(left / 86_400_000), "day")} left`} />`;
}

export function CertificateList({ chosen }) {
  const { answer, retry } = useCertificates();
  const items = answer?.ok ? answer.body.items : [];
  const text = filterText();
  const shown = items.filter((c) => `${c.hosts.join(" ")} ${c.issuer ?? ""} ${sources[c.source]}`.toLowerCase().includes(text));
  return html`
    <${Header} tab="certificates" count=${items.length > 0 && plural(shown.length, "certificate")} filter="Filter by host, issuer" />
    ${!answer && html`<${Loading} what="certificates" />`}
    ${answer && !answer.ok && html`<${Failure} title="The certificates could not be read" problem=${answer.problem} retry=${retry} />`}
    ${answer?.ok && html`<${Authority} root=${answer.body.root} />`}
    ${answer?.ok && !shown.length && html`<${Empty} title=${text ? `No certificate matches “${text}”` : "No certificates yet"}>A router with TLS has one: <code class="block">traefik.http.routers.shop.tls=true</code><//>`}
    ${shown.length > 0 && html`
      <table class="table things choosable">
        <thead><tr><th>Validity</th><th>Host</th><th>From</th><th>Issuer</th></tr></thead>
        <tbody>
          ${shown.map(
            (c) => html`
              <tr key=${c.source + c.hosts[0]} class=${c.hosts[0] === chosen ? "chosen" : ""} onClick=${() => go(hrefTo("routes", "certificates", c.hosts[0]))}>
                <td class="at-status"><${Validity} of=${c} /></td>
                <td class="at-name"><a data-item href=${hrefTo("routes", "certificates", c.hosts[0])} aria-current=${c.hosts[0] === chosen ? "true" : undefined}>${c.hosts[0]}</a>${c.hosts.length > 1 && html` <span class="muted">and ${c.hosts.length - 1} more</span>`}</td>
                <td class="at-kind muted">${sources[c.source]}</td>
                <td class="at-used muted">${c.issuer}</td>
              </tr>
            `,
          )}
        </tbody>
      </table>
    `}
  `;
}

const Authority = ({ root }) => html`
  <div class="card authority-card">
    <${DetailList} of=${[
      ["Authority", `${root.subject}, until ${new Date(root.notAfter).toLocaleDateString("en-CA")}`],
      ["May vouch for", root.names.join(", ")],
      ["Root", html`<${Copyable} text=${root.file} />`],
      ["To trust it", html`<${Copyable} text="axion trust" /><div class="muted">once a user; <span class="mono">axion doctor</span> tells whether it is, and <span class="mono">axion untrust</span> takes it back</div>`],
    ]} />
  </div>
`;

const how = {
  file: (c) => `Read from ${c.file}; a changed file is read anew.`,
  acme: (c) => `Got by the resolver ${c.resolver} from ${c.server}.`,
  local: (c) => (c.issued ? "Issued by the local authority at the host's first handshake, and renewed by itself." : "The local authority issues it at the host's first handshake."),
};

export function CertificateDetail({ host }) {
  const { answer } = useCertificates();
  const c = answer?.ok && answer.body.items.find((item) => item.hosts.includes(host));
  return html`
    <${Detail} page=${["routes", "certificates"]} back="certificates" title=${host}>
      ${!answer && html`<${Loading} what="certificate" />`}
      ${answer && !c && html`<${Empty} title="No certificate for this host">No router asks for it any more.<//>`}
      ${c && html`
        <${Validity} of=${c} />
        <p class="how">${how[c.source](c)}</p>
        <${DetailList} of=${[
          ["Hosts", html`<ul class="plain">${c.hosts.map((h) => html`<li key=${h} class="mono">${h}</li>`)}</ul>`],
          ["Issuer", c.issuer],
          ["Valid from", c.issued && html`<span title=${exact(c.notBefore)}>${new Date(c.notBefore).toLocaleDateString("en-CA")}</span>`],
          ["Valid until", c.issued && html`<span title=${exact(c.notAfter)}>${new Date(c.notAfter).toLocaleDateString("en-CA")}</span>`],
          ["Default", c.default && "unknown names get it too"],
          ["Asked for by", c.routers.length > 0 && html`<ul class="plain">${c.routers.map((r) => html`<li key=${r}><a href=${hrefTo("routes", r)}>${r}</a></li>`)}</ul>`],
        ].filter(([, value]) => value !== false)} />
        ${c.source === "local" && html`<h3 class="section-title">Clients that refuse it</h3><p class="muted">They do not trust the local authority yet. Run this once:</p><p><${Copyable} text="axion trust" /></p><p class="muted">Or give a client the root: <${Copyable} text=${answer.body.root.file} /></p>`}
      `}
    <//>
  `;
}
