/* What the C text that libQnnSaver writes needs to be compiled: the names that it uses, declared by
   us with the layout of backends/qnn/abi.h. For the vendor suite only. */
#ifndef NPB_TEST_QNN_REPLAY_H
#define NPB_TEST_QNN_REPLAY_H

#include <stdint.h>

typedef uint64_t Qnn_ErrorHandle_t;
typedef uint64_t QnnProfile_EventId_t;
typedef uint32_t Qnn_DataType_t, Qnn_Definition_t, Qnn_QuantizationEncoding_t, Qnn_TensorType_t,
    Qnn_TensorVersion_t, Qnn_TensorMemType_t, Qnn_ParamType_t, Qnn_OpConfigVersion_t,
    QnnProfile_Level_t;
typedef void *Qnn_LogHandle_t, *Qnn_BackendHandle_t, *Qnn_DeviceHandle_t, *Qnn_ContextHandle_t,
    *Qnn_GraphHandle_t, *Qnn_ProfileHandle_t, *QnnDevice_Infrastructure_t;
typedef struct {
  uint32_t option;
  void* value;
} QnnBackend_Config_t, QnnDevice_Config_t, QnnContext_Config_t, QnnGraph_Config_t;
typedef void QnnDevice_PlatformInfo_t;

typedef enum {
  QNN_LOG_LEVEL_ERROR = 1,
  QNN_LOG_LEVEL_WARN,
  QNN_LOG_LEVEL_INFO,
  QNN_LOG_LEVEL_VERBOSE,
  QNN_LOG_LEVEL_DEBUG,
} QnnLog_Level_t;
/* The code with which the text goes on: the Saver's own for what it can't answer. */
#define QNN_COMMON_ERROR_NOT_SUPPORTED 4950

typedef struct {
  float scale;
  int32_t offset;
} Qnn_ScaleOffset_t;
typedef struct {
  Qnn_Definition_t definition;
  Qnn_QuantizationEncoding_t encoding;
  union {
    Qnn_ScaleOffset_t scaleOffsetEncoding;
    uint64_t words[4];
  };
} Qnn_QuantizeParams_t;
typedef struct {
  void* data;
  uint32_t bytes;
} Qnn_ClientBuffer_t;
typedef struct {
  uint32_t id;
  const char* name;
  Qnn_TensorType_t type;
  uint32_t format;
  Qnn_DataType_t dataType;
  Qnn_QuantizeParams_t quantization;
  uint32_t rank;
  uint32_t* dimensions;
  Qnn_TensorMemType_t memory;
  Qnn_ClientBuffer_t buffer;
} Qnn_TensorV1_t;
typedef struct {
  Qnn_TensorVersion_t version;
  union {
    Qnn_TensorV1_t v1;
    uint64_t words[17];
  };
} Qnn_Tensor_t;
typedef struct {
  Qnn_DataType_t dataType;
  union {
    float floatValue;
    double doubleValue;
    uint64_t uint64Value;
    int64_t int64Value;
    uint32_t uint32Value;
    int32_t int32Value;
    uint16_t uint16Value;
    int16_t int16Value;
    uint8_t uint8Value;
    int8_t int8Value;
    uint8_t bool8Value;
    const char* stringValue;
  };
} Qnn_Scalar_t;
typedef struct {
  Qnn_ParamType_t kind;
  const char* name;
  union {
    Qnn_Scalar_t scalarParam;
    Qnn_Tensor_t tensorParam;
  };
} Qnn_Param_t;
typedef struct {
  const char *name, *package, *type;
  uint32_t paramCount;
  Qnn_Param_t* params;
  uint32_t inputCount;
  Qnn_Tensor_t* inputs;
  uint32_t outputCount;
  Qnn_Tensor_t* outputs;
} Qnn_OpConfigV1_t;
typedef struct {
  Qnn_OpConfigVersion_t version;
  Qnn_OpConfigV1_t v1;
} Qnn_OpConfig_t;

_Static_assert(sizeof(Qnn_Tensor_t) == 144 && sizeof(Qnn_Param_t) == 160, "tensor and param");
_Static_assert(sizeof(Qnn_OpConfig_t) == 80 && sizeof(Qnn_Scalar_t) == 16, "op and scalar");

typedef Qnn_ErrorHandle_t Result;
typedef void* Unused;
/* The table in the order of abi.h. */
typedef struct {
  Unused propertyHasCapability;
  Result (*backendCreate)(Qnn_LogHandle_t, const QnnBackend_Config_t**, Qnn_BackendHandle_t*);
  Unused backend2[5];
  Result (*backendValidateOpConfig)(Qnn_BackendHandle_t, Qnn_OpConfig_t);
  Result (*backendFree)(Qnn_BackendHandle_t);
  Result (*contextCreate)(Qnn_BackendHandle_t, Qnn_DeviceHandle_t, const QnnContext_Config_t**,
                          Qnn_ContextHandle_t*);
  Unused context10[4];
  Result (*contextFree)(Qnn_ContextHandle_t, Qnn_ProfileHandle_t);
  Result (*graphCreate)(Qnn_ContextHandle_t, const char*, const QnnGraph_Config_t**,
                        Qnn_GraphHandle_t*);
  Unused graph16[2];
  Result (*graphAddNode)(Qnn_GraphHandle_t, Qnn_OpConfig_t);
  Result (*graphFinalize)(Qnn_GraphHandle_t, Qnn_ProfileHandle_t, void*);
  Unused graph20;
  Result (*graphExecute)(Qnn_GraphHandle_t, const Qnn_Tensor_t*, uint32_t, Qnn_Tensor_t*, uint32_t,
                         Qnn_ProfileHandle_t, void*);
  Unused graph22[2];
  Result (*tensorCreateGraphTensor)(Qnn_GraphHandle_t, Qnn_Tensor_t*);
  Result (*logCreate)(void*, QnnLog_Level_t, Qnn_LogHandle_t*);
  Unused log26;
  Result (*logFree)(Qnn_LogHandle_t);
  Result (*profileCreate)(Qnn_BackendHandle_t, QnnProfile_Level_t, Qnn_ProfileHandle_t*);
  Unused profile29;
  Result (*profileGetEvents)(Qnn_ProfileHandle_t, const QnnProfile_EventId_t**, uint32_t*);
  Unused profile31[3];
  Result (*profileFree)(Qnn_ProfileHandle_t);
  Unused memory35[2];
  Result (*deviceGetPlatformInfo)(Qnn_LogHandle_t, const QnnDevice_PlatformInfo_t**);
  Unused device38;
  Result (*deviceGetInfrastructure)(QnnDevice_Infrastructure_t*);
  Result (*deviceCreate)(Qnn_LogHandle_t, const QnnDevice_Config_t**, Qnn_DeviceHandle_t*);
  Unused device41[2];
  Result (*deviceFree)(Qnn_DeviceHandle_t);
} Table;
_Static_assert(sizeof(Table) == 44 * 8, "table");
#define QNN_INTERFACE_VER_TYPE Table
#define QNN_INTERFACE_VER_NAME table
typedef struct {
  uint32_t backendId;
  const char* provider;
  uint32_t version[6];
  Table table;
} QnnInterface_t;

Result QnnInterface_getProviders(const QnnInterface_t*** list, uint32_t* count);

#endif
