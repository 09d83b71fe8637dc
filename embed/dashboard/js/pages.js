// pages lists what the rail shows. A page is loaded when it is first opened.
import { lazy } from "./parts/lazy.js";

export const pages = [
  { title: "System", path: "/", icon: "system", key: "s", view: lazy("system", () => import("./pages/system.js").then((m) => m.SystemPage)) },
  { title: "Flow", path: "/flow", icon: "flow", key: "f", view: lazy("flow", () => import("./pages/flow.js").then((m) => m.FlowPage)) },
  { title: "Routes", path: "/routes", icon: "routes", key: "r", view: lazy("routes", () => import("./pages/routes.js").then((m) => m.RoutesPage)) },
  { title: "Topics", path: "/topics", icon: "topics", key: "t", view: lazy("topics", () => import("./pages/topics.js").then((m) => m.TopicsPage)) },
  { title: "Services", path: "/services", icon: "services", key: "v", view: lazy("services", () => import("./pages/services.js").then((m) => m.ServicesPage)) },
  { title: "Logs", path: "/logs", icon: "logs", key: "l", view: lazy("logs", () => import("./pages/logs.js").then((m) => m.LogsPage)) },
  { title: "Projects", path: "/projects", icon: "projects", key: "p", view: lazy("projects", () => import("./pages/projects.js").then((m) => m.ProjectsPage)) },
  { title: "Faults", path: "/faults", icon: "faults", key: "x", view: lazy("faults", () => import("./pages/faults.js").then((m) => m.FaultsPage)) },
  { title: "Docs", path: "/docs", icon: "docs", key: "d", view: lazy("the documentation", () => import("./pages/docs.js").then((m) => m.DocsPage)) },
];

// pageAt finds the page for an address, or undefined.
export const pageAt = (segments) => pages.find((page) => page.path === "/" + (segments[0] ?? ""));
