// What a customer agrees to. A change of this file is live at once.
exports.terms = 'first flush'
