// Logs is what everybody said: axion's parts, services of the compose file, projects, and
// those who send theirs by OTLP.
import { html } from "../html.js";
import { services, system } from "../state.js";
import { segments } from "../address.js";
import { Empty } from "../parts/notice.js";
import { LogView } from "../parts/logview.js";
import { Split } from "../parts/split.js";
import { LogDetail } from "./logs/detail.js";

export function LogsPage() {
  const [, chosen] = segments.value;
  const known = [...(services.value?.items ?? []), ...(system.value?.parts ?? []).filter((part) => part.kind === "service")].map((s) => s.name);
  return html`<${Split} fill
    list=${html`
      <header class="page-head"><h1 class="page-title">Logs</h1></header>
      <${LogView} known=${known} detail=${chosen} empty=${html`<${Empty} title="Nothing has been said yet">Lines of axion's parts and of the compose file's services are here; others send theirs by OTLP: set OTEL_EXPORTER_OTLP_ENDPOINT to this stack's.<//>`} />
    `}
    detail=${chosen && html`<${LogDetail} key=${chosen} seq=${chosen} />`}
  />`;
}
