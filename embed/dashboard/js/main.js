import { render } from "preact";
import { html } from "./html.js";
import { Frame } from "./frame.js";
import { followLinks } from "./address.js";
import { followKeys } from "./keys.js";
import { connect } from "./live.js";
import { followFaults } from "./faults.js";

followLinks();
followKeys();
followFaults();
connect();
render(html`<${Frame} />`, document.getElementById("app"));
