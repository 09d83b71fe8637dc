// Addresses are where the stack is reached, who signs its certificates, and who
// signs in.
import { useFetch } from "../fetch.js";
import { html } from "../html.js";
import { Copyable, CopyButton } from "./copy.js";

const labels = { http: "HTTP", https: "HTTPS", kafka: "Kafka", dashboard: "Dashboard", otlp_http: "OTLP over HTTP", otlp_grpc: "OTLP over gRPC" };

export function Addresses({ of }) {
  const known = Object.entries(labels).filter(([name]) => of[name]);
  if (!known.length) return null;
  return html`
    <h2 class="section-title">Addresses</h2>
    <dl class="addresses card">
      ${known.map(
        ([name, label]) => html`
          <div key=${name}>
            <dt class="hop-${name === "kafka" ? "kafka" : "http"}">${label}</dt>
            <dd><${Copyable} text=${of[name]} /></dd>
          </div>
        `,
      )}
    </dl>
    ${of.ca && html`<${Authority} file=${of.ca} />`}
    <${DevelopmentUser} />
  `;
}

// DevelopmentUser is how to sign in. A stack without an identity provider of its own
// has nobody.
function DevelopmentUser() {
  const user = useFetch("/api/user").answer?.body;
  if (!user?.email) return null;
  return html`
    <dl class="addresses signing-in card">
      <div>
        <dt class="muted">Development user</dt>
        <dd><${Copyable} text=${user.email} /></dd>
      </div>
      <div>
        <dt class="muted">Password. A bearer token: axion token</dt>
        <dd class="copyable"><span class="mono">${user.password}</span><${CopyButton} text=${user.password} what="the password" /></dd>
      </div>
    </dl>
  `;
}

// Authority is who signs the HTTPS certificates, and how a browser comes to
// trust it.
const Authority = ({ file }) => html`
  <dl class="addresses authority card">
    <div>
      <dt class="hop-http">Authority</dt>
      <dd><${Copyable} text=${file} /></dd>
    </div>
    <div>
      <dt class="muted">To trust it run axion trust. By hand: this in Chromium on Linux, elsewhere import the file in the browser's certificate settings</dt>
      <dd><${Copyable} text=${"certutil -A -d sql:$HOME/.pki/nssdb -n axion -t C -i " + quoted(file)} /></dd>
    </div>
  </dl>
`;

// quoted is a word of a shell's command line.
const quoted = (word) => (/^[\w./+@-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
