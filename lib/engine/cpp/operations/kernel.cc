#include "kernel.h"

namespace norm_direction {

bool RegisterOperation(const Definition& definition) {
  TF_OpDefinitionBuilder* builder = TF_NewOpDefinitionBuilder(definition.name);
  for (const char* text : definition.attributes) TF_OpDefinitionBuilderAddAttr(builder, text);
  for (const char* text : definition.inputs) TF_OpDefinitionBuilderAddInput(builder, text);
  for (const char* text : definition.outputs) TF_OpDefinitionBuilderAddOutput(builder, text);
  Status status;
  TF_RegisterOpDefinition(builder, status.get());
  return status.ok();
}

void RegisterKernel(const char* name, Create create, Compute compute, Delete destroy,
                    const TF_DataType* number) {
  TF_KernelBuilder* builder = TF_NewKernelBuilder(name, "CPU", create, compute, destroy);
  Status status;
  if (number != nullptr) TF_KernelBuilder_TypeConstraint(builder, "T", *number, status.get());
  if (status.ok()) TF_RegisterKernelBuilder(name, builder, status.get());
}

namespace {

template <typename Value, typename Read>
Value Attribute(TF_OpKernelConstruction* construction, const char* name, Read read) {
  Status status;
  Value value{};
  read(construction, name, &value, status.get());
  if (!status.ok()) TF_OpKernelConstruction_Failure(construction, status.get());
  return value;
}

}  // namespace

bool BoolAttribute(TF_OpKernelConstruction* construction, const char* name) {
  return Attribute<unsigned char>(construction, name, TF_OpKernelConstruction_GetAttrBool) != 0;
}

float FloatAttribute(TF_OpKernelConstruction* construction, const char* name) {
  return Attribute<float>(construction, name, TF_OpKernelConstruction_GetAttrFloat);
}

int64_t IntAttribute(TF_OpKernelConstruction* construction, const char* name) {
  return Attribute<int64_t>(construction, name, TF_OpKernelConstruction_GetAttrInt64);
}

}  // namespace norm_direction
