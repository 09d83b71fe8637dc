// Routes is the gateway's configuration as it is in force: routers, services,
// middlewares, entry points and certificates; and Explain, which asks it about a
// request.
import { html } from "../html.js";
import { segments } from "../address.js";
import { routes } from "../state.js";
import { lazy } from "../parts/lazy.js";
import { Loading } from "../parts/notice.js";
import { Split } from "../parts/split.js";
import { RouterDetail, RouterList } from "./routes/router.js";

const part = (what, name, load) => lazy(what, () => load().then((module) => module[name]));
const resources = () => import("./routes/resource.js");
const entryPoints = () => import("./routes/entrypoints.js");
const certificates = () => import("./routes/certificates.js");

const ResourceList = part("the configuration", "ResourceList", resources);
const ResourceDetail = part("the configuration", "ResourceDetail", resources);
const EntryList = part("entry points", "EntryList", entryPoints);
const EntryDetail = part("entry points", "EntryDetail", entryPoints);
const CertificateList = part("certificates", "CertificateList", certificates);
const CertificateDetail = part("certificates", "CertificateDetail", certificates);
const Explain = part("Explain", "Explain", () => import("./routes/explain.js"));

export function RoutesPage() {
  const list = routes.value;
  if (!list) return html`<${Loading} what="routes" />`;
  const [, tab, one, two] = segments.value;
  switch (tab) {
    case "explain":
      return html`<${Explain} />`;
    case "services":
    case "middlewares":
      return html`<${Split} key=${tab}
        list=${html`<${ResourceList} kind=${tab} chosen=${two && `${one}/${two}`} />`}
        detail=${two && html`<${ResourceDetail} key=${one + two} kind=${tab} protocol=${one} name=${two} />`}
      />`;
    case "tcp":
    case "udp":
      return html`<${Split} list=${html`<${RouterList} list=${list} chosen=${one} />`} detail=${one && html`<${ResourceDetail} key=${tab + one} kind="routers" protocol=${tab} name=${one} />`} />`;
    case "entrypoints":
      return html`<${Split} key=${tab} list=${html`<${EntryList} chosen=${one} />`} detail=${one && html`<${EntryDetail} name=${one} />`} />`;
    case "certificates":
      return html`<${Split} key=${tab} list=${html`<${CertificateList} chosen=${one} />`} detail=${one && html`<${CertificateDetail} host=${one} />`} />`;
  }
  return html`<${Split}
    list=${html`<${RouterList} list=${list} chosen=${tab} />`}
    detail=${tab && html`<${RouterDetail} name=${tab} route=${list.items.find((r) => r.name === tab)} />`}
  />`;
}
