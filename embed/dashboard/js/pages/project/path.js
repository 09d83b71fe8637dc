// projectPath is the address of a project's page, and of what is below it.
export const projectPath = (id, ...more) => "/" + ["projects", id, ...more].map(encodeURIComponent).join("/");
