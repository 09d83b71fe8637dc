package graph_test

// shop is a graph with all kinds of nodes and edges.
const shop = `{"nodes":[
	{"id":"in","type":"ingress","name":"edge","host":"shop.localhost"},
	{"id":"web","type":"service","name":"web","port":3000,"config":{"n":12345678901234567890,"h":"<&>"}},
	{"id":"api","type":"service","name":"api","language":"go","port":8080},
	{"id":"rules","type":"logic"},
	{"id":"db","type":"database","name":"main"},
	{"id":"cache","type":"cache"},
	{"id":"jobs","type":"queue"}
],"edges":[
	{"id":"e1","from":"in","to":"web","type":"http"},
	{"id":"e2","from":"web","to":"api","type":"grpc"},
	{"id":"e3","from":"api","to":"web","type":"http"},
	{"id":"e4","from":"api","to":"db","type":"database"},
	{"id":"e5","from":"rules","to":"cache","type":"database"},
	{"id":"e6","from":"api","to":"jobs","type":"kafka"},
	{"id":"e7","from":"jobs","to":"rules","type":"kafka"}
]}`
