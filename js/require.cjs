// js/require.cjs: for require(), which takes an ES module as it is since Node.js 20.19: the same instance as import has.
module.exports = require('./index.js');
