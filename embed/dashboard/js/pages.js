// pages lists what the rail shows. A page is added here and nowhere else.
import { SystemPage } from "./pages/system.js";
import { RoutesPage } from "./pages/routes.js";
import { TopicsPage } from "./pages/topics.js";
import { ProjectsPage } from "./pages/projects.js";

export const pages = [
  { title: "System", path: "/", icon: "system", key: "s", view: SystemPage },
  { title: "Routes", path: "/routes", icon: "routes", key: "r", view: RoutesPage },
  { title: "Topics", path: "/topics", icon: "topics", key: "t", view: TopicsPage },
  { title: "Projects", path: "/projects", icon: "projects", key: "p", view: ProjectsPage },
];

// pageAt finds the page for an address, or undefined.
export const pageAt = (segments) => pages.find((page) => page.path === "/" + (segments[0] ?? ""));
